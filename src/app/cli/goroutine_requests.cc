// SPDX-License-Identifier: Apache-2.0
// Placing the probes, waiting, and joining what they have seen with the goroutines.
#include "app/cli/goroutine_requests.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "app/cli/signals.h"
#include "detect/report/go_http_document.h"
#include "detect/source/go_http_probe.h"
#include "detect/symbol/go_probe_place.h"
#include "detect/symbol/go_runtime.h"
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
  places.idle = offset("net/http.(*Transport).tryPutIdleConn");
  for (const char* name :
       {"net/http.(*persistConn).close", "net/http.(*persistConn).closeLocked"}) {
    if (const auto found = offset(name)) places.ends.push_back(*found);
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

// True while the process is there.
bool wait(const RequestsPlan& plan) {
  Signals signals;
  const UniqueFd process(
      static_cast<int>(::syscall(SYS_pidfd_open, number(plan.process), 0)));  // Linux 5.3
  const BootTime began = BootClock::now();
  for (;;) {
    std::chrono::nanoseconds left = std::chrono::seconds(1);
    if (plan.duration) left = std::min(left, *plan.duration - (BootClock::now() - began));
    if (left.count() <= 0) return true;
    std::array<pollfd, 2> ready{{{signals.descriptor(), POLLIN, 0}, {process.get(), POLLIN, 0}}};
    ::poll(ready.data(), ready.size(),
           static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    if ((ready[1].revents & POLLIN) != 0) return false;
    if (signals.take()) return true;
  }
}

}  // namespace

Exit watch_requests(Context& context, const RequestsPlan& plan) {
  const auto give_up = [](const Error& error) {
    complain(error.message());
    return error.code == ESRCH || error.code == ENOENT ? Exit::kUsage : Exit::kNotPossible;
  };
  const ProcAccess access;
  ModuleCache modules;
  auto view = ProcessView::open(plan.process, access, modules);
  if (!view) return give_up(view.error());
  auto runtime = GoRuntime::find(*view);
  if (!runtime) return give_up(runtime.error());
  const GoHttpPlaces places = places_in(*runtime);
  if (!places.round_trip || !places.idle || places.ends.empty()) {
    complain("process " + std::to_string(number(plan.process)) +
             " has no HTTP client of Go's net/http that plumb knows");
    return Exit::kNotPossible;
  }
  auto probe = GoHttpProbe::open(places);
  if (!probe) return give_up(probe.error());
  if (!plan.duration && ::isatty(STDERR_FILENO) == 1) {
    std::fputs("watching the requests; ^C prints what is held\n", stderr);
  }
  const BootTime began = BootClock::now();
  if (!wait(plan)) {
    complain("process " + std::to_string(number(plan.process)) + " has ended; nothing is held");
    return Exit::kOk;
  }

  const auto requests = (*probe)->read();
  if (!requests) return give_up(requests.error());
  auto snapshot = read_goroutines(*runtime, kGoHttpCalls);
  if (!snapshot) return give_up(snapshot.error());
  if (const auto name = read_file("/proc/" + std::to_string(number(plan.process)) + "/comm", 64)) {
    snapshot->name = name->substr(0, name->find('\n'));
  }
  GoStackNames names(runtime->module(), runtime->code(), snapshot->stacks);
  std::vector<StackNode> stacks;
  for (const GoRequest& request : *requests) {
    std::vector<Address> calls;
    for (const Address address : request.stack) calls.push_back(address - 1);
    stacks.push_back(names.name(calls));
  }
  const BootTime now = BootClock::now();
  const GoHttpLeaks leaks = find_go_http_leaks(*requests, stacks, *snapshot, now, plan.min_age);
  const GoHttpDocument document{.leaks = leaks,
                                .snapshot = *snapshot,
                                .losses = (*probe)->losses(),
                                .watched = now - began,
                                .min_age = plan.min_age,
                                .secrets = plan.secrets};
  if (plan.json) {
    write_go_http_json(document, context.out.sink());
  } else {
    write_go_http_text(document, context.paper(), context.out.sink());
  }
  const bool leaked = std::ranges::any_of(leaks.sites, [](const GoHttpSite& site) {
    return site.states[static_cast<std::size_t>(GoConnectionState::kBodyOpen)] > 0;
  });
  return leaked ? Exit::kFindings : Exit::kOk;
}

}  // namespace plumb::app
