// SPDX-License-Identifier: Apache-2.0
// Finding the places of the probes, and joining what these have seen with the goroutines.
#include "app/cli/go_http_watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "detect/symbol/go_probe_place.h"
#include "detect/symbol/go_stack_names.h"
#include "detect/symbol/goroutine_reader.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

using namespace detect;

// The binary as the process has it mapped: right also where its name is gone or another's.
std::string image_of(const ProcessView& process, const Module& module) {
  for (const Mapping& mapping : process.address_space().mappings()) {
    if (!mapping.executable || mapping.path != module.path()) continue;
    char path[80];
    std::snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", number(process.process()),
                  number(mapping.start), number(mapping.end));
    return path;
  }
  return "/proc/" + std::to_string(number(process.process())) + "/exe";
}

// Whether a function calls another one, and no copy of it that the compiler put in its place.
bool calls(const GoRuntime& runtime, std::string_view caller, std::string_view callee) {
  const GoTable& table = runtime.code().table();
  const auto from = table.find_named(caller), to = table.find_named(callee);
  if (!from || !to) return false;
  constexpr std::uint64_t kMost = 4096;
  std::vector<std::byte> code(
      std::min<std::uint64_t>(number(from->end) - number(from->entry), kMost));
  return runtime.read(runtime.code().loaded(from->entry), code) &&
         !go_calls(*from, code, to->entry).empty();
}

GoHttpPlaces places_in(const GoRuntime& runtime) {
  const Module& module = runtime.module();
  const auto offset = [&](std::string_view name) -> std::optional<std::uint64_t> {
    const auto function = runtime.code().table().find_named(name);
    if (!function) return std::nullopt;
    std::array<std::byte, 16> code{};
    const bool known = runtime.read(runtime.code().loaded(function->entry), code);
    return module.elf().offset_of(function->entry + (known ? go_probe_place(code) : 0));
  };
  // The newest name of a function first; the second package is what the first was made of.
  const auto first = [&](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      if (const auto found = offset(name)) return found;
    }
    return std::optional<std::uint64_t>();
  };
  GoHttpPlaces places;
  places.process = runtime.process().process();
  places.image = image_of(runtime.process(), module);
  places.round_trip = offset("net/http.(*persistConn).roundTrip");
  // Whether a connection is idle shows in its goroutines, where these can be read well: one probe a
  // request less.
  const bool guessed = runtime.layout_source().find("guessed") != std::string::npos;
  if (guessed) places.idle = offset("net/http.(*Transport).tryPutIdleConn");
  constexpr std::string_view kClose = "net/http.(*persistConn).close";
  constexpr std::string_view kLocked = "net/http.(*persistConn).closeLocked";
  if (const auto found = offset(kLocked)) places.ends.push_back(*found);
  // One probe for each connection, where it sees them all.
  if (!calls(runtime, kClose, kLocked)) {
    if (const auto found = offset(kClose)) places.ends.push_back(*found);
  }
  places.round_trip2 =
      first({"net/http.(*http2ClientConn).roundTrip", "net/http.(*http2ClientConn).RoundTrip",
             "golang.org/x/net/http2.(*ClientConn).roundTrip",
             "golang.org/x/net/http2.(*ClientConn).RoundTrip"});
  places.stream = first({"net/http.(*http2clientStream).doRequest",
                         "golang.org/x/net/http2.(*clientStream).doRequest"});
  places.stream_end = first({"net/http.(*http2clientStream).cleanupWriteRequest",
                             "golang.org/x/net/http2.(*clientStream).cleanupWriteRequest"});
  places.goroutine_id = runtime.layout().id;
  return places;
}

}  // namespace

Result<std::unique_ptr<GoHttpWatch>> GoHttpWatch::open(Pid process) {
  auto program = GoProgram::open(process);
  if (!program) return std::move(program).error();
  return open(*std::move(program));
}

Result<std::unique_ptr<GoHttpWatch>> GoHttpWatch::open(std::shared_ptr<GoProgram> program) {
  std::unique_ptr<GoHttpWatch> watch(new GoHttpWatch());
  watch->program_ = std::move(program);
  const GoHttpPlaces places = places_in(watch->program_->runtime());
  if (!places.round_trip || places.ends.empty()) {
    return fail("find the HTTP client of process",
                std::to_string(number(watch->program_->process())), ENOTSUP,
                "it has no HTTP client of Go's net/http that plumb knows");
  }
  auto probe = GoHttpProbe::open(places);
  if (!probe) return std::move(probe).error();
  watch->probe_ = *std::move(probe);
  return watch;
}

Result<GoHttpHeld> GoHttpWatch::read(std::chrono::nanoseconds min_age) {
  const auto requests = probe_->read();
  if (!requests) return requests.error();
  GoRuntime& runtime = program_->runtime();
  auto snapshot = read_goroutines(runtime, go_http_calls());
  if (!snapshot) return std::move(snapshot).error();
  GoHttpHeld held;
  held.snapshot = *std::move(snapshot);
  const std::string pid = std::to_string(number(program_->process()));
  if (const auto name = read_file("/proc/" + pid + "/comm", 64)) {
    held.snapshot.name = name->substr(0, name->find('\n'));
  }
  GoStackNames names(runtime.module(), runtime.code(), held.snapshot.stacks);
  std::vector<StackNode> stacks;
  for (const GoRequest& request : *requests) {
    std::vector<Address> calls;
    for (const Address address : request.stack) calls.push_back(address - 1);
    stacks.push_back(names.name(calls));
  }
  held.losses = probe_->losses();
  held.taken = BootClock::now();
  held.leaks = find_go_http_leaks(*requests, stacks, held.snapshot, held.taken, min_age);
  return held;
}

}  // namespace plumb::app
