// SPDX-License-Identifier: Apache-2.0
// From the Go table's frames to frames.
#include "detect/symbol/go_frames.h"

namespace plumb::detect {

std::vector<NamedGoFrame> go_frames(const Module& module, ElfAddress address) {
  std::vector<NamedGoFrame> named;
  if (module.go() == nullptr) return named;
  const auto function = module.go()->find(address);
  if (!function) return named;
  for (GoFrame& go : module.go()->frames(address)) {
    NamedGoFrame one;
    one.wrapper = go.wrapper;
    one.frame.module = module.path();
    one.frame.build_id = module.build_id();
    one.frame.elf_address = address;
    one.frame.kind = go.inlined ? FrameKind::kInlined : FrameKind::kGo;
    one.frame.function = std::move(go.function);
    one.frame.file = std::move(go.file);
    one.frame.line = go.line;
    if (!go.inlined) one.frame.function_offset = number(address) - number(function->entry);
    named.push_back(std::move(one));
  }
  return named;
}

}  // namespace plumb::detect
