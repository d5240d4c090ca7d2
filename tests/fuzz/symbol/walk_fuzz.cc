// SPDX-License-Identifier: Apache-2.0
// Any registers and any stack, in generated code that is left by frame pointers: the walk ends, its
// length is bounded, and each address has its flag.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "detect/symbol/walk_rules.h"

namespace {

using namespace plumb;
using namespace plumb::detect;

class GeneratedCode : public ProcessAccess {
 public:
  Result<std::string> maps(Pid) const override {
    return std::string("1000-7fff0000 rwxp 00000000 00:00 0 \n");
  }
  Result<std::unique_ptr<ImageSource>> image(Pid, const Mapping& mapping) const override {
    return fail("open", mapping.path, ENOENT);
  }
  Result<std::unique_ptr<FileImage>> file(Pid, const std::string& path) const override {
    return fail("open", path, ENOENT);
  }
  std::size_t read_memory(Pid, Address, std::span<std::byte>) const override { return 0; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMost = 128;
  StackEvent event;
  if (size < sizeof(event.registers)) return 0;
  std::memcpy(&event.registers, data, sizeof(event.registers));
  const auto* stack = reinterpret_cast<const std::byte*>(data) + sizeof(event.registers);
  event.copy.assign(stack, stack + (size - sizeof(event.registers)));
  event.addresses = {Address{event.registers.ip}};
  const GeneratedCode access;
  ModuleCache modules;
  auto view = ProcessView::open(Pid{1}, access, modules);
  if (!view) std::abort();
  std::size_t taught = 0;
  const auto walked = finish_walk(*view, event, kMost, [&](Address, const WalkRule&) { ++taught; });
  if (walked.addresses.empty() || walked.addresses.size() > kMost) std::abort();
  if (walked.interrupted.size() != walked.addresses.size()) std::abort();
  if (taught > kMost) std::abort();
  return 0;
}
