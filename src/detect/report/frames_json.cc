// SPDX-License-Identifier: Apache-2.0
// Writing of frames.
#include "detect/report/frames_json.h"

#include <vector>

#include "detect/report/own_frame.h"

namespace plumb::detect {
namespace {

std::string_view name_of(FrameKind kind) {
  switch (kind) {
    case FrameKind::kNative:
      return "native";
    case FrameKind::kInlined:
      return "inlined";
    case FrameKind::kGo:
      return "go";
    case FrameKind::kJit:
      return "jit";
    case FrameKind::kPython:
      return "python";
  }
  return {};
}

void add_frame(JsonWriter& json, const Frame& frame, bool own) {
  json.open_element();
  json.member("language", name_of(frame.kind));
  if (!frame.function.empty()) {
    json.member("function", std::string_view(frame.function));
    json.member("offset", frame.function_offset);
  }
  if (!frame.file.empty()) json.member("file", std::string_view(frame.file));
  if (frame.line) json.member("line", *frame.line);
  if (!frame.module.empty()) json.member("module", std::string_view(frame.module));
  if (!frame.build_id.empty()) json.member("build_id", std::string_view(frame.build_id.hex()));
  if (frame.elf_address) json.member("address", number(*frame.elf_address));
  if (own) json.member("own", true);
  json.close_object();
}

void add_all(JsonWriter& json, std::span<const Frame* const> stack) {
  const auto own = own_frames(stack);
  for (std::size_t i = 0; i < stack.size(); ++i) add_frame(json, *stack[i], own[i]);
}

}  // namespace

void add_frames(JsonWriter& json, std::span<const Frame> stack) {
  std::vector<const Frame*> frames;
  for (const Frame& frame : stack) frames.push_back(&frame);
  add_all(json, frames);
}

void add_frames(JsonWriter& json, const StackStore& stacks, StackNode stack) {
  std::vector<const Frame*> frames;
  for (const FrameId id : stacks.frames(stack)) frames.push_back(&stacks.frame(id));
  add_all(json, frames);
}

}  // namespace plumb::detect
