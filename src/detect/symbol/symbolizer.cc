// SPDX-License-Identifier: Apache-2.0
// Putting names to addresses.
#include "detect/symbol/symbolizer.h"

#include "detect/symbol/demangle.h"
#include "detect/symbol/go_frames.h"
#include "detect/symbol/js_name.h"

namespace plumb::detect {
namespace {

Frame frame_in(const Module& module, ElfAddress address) {
  Frame frame;
  frame.module = module.path();
  frame.build_id = module.build_id();
  frame.elf_address = address;
  return frame;
}

}  // namespace

const std::vector<Frame>& Symbolizer::frames_at(ProcessView& process, Address lookup) {
  const auto place = process.find_code(lookup);
  if (!place) {
    last_.assign(1, Frame{});
    return last_;
  }
  if (place->module == nullptr) {
    last_ = generated(process, lookup, *place->mapping);
    return last_;
  }
  const Key key{place->module->serial(), place->address};
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  if (known_.size() >= kMostKept) known_.clear();
  return known_.emplace(key, native(process, *place->module, place->address)).first->second;
}

std::vector<Frame> Symbolizer::frames(ProcessView& process, const Unwound& stack,
                                      std::span<const NamedFrame> known) {
  std::vector<Frame> all;
  all.reserve(stack.frames.size() + 8);
  for (std::size_t index = 0; index < stack.frames.size(); ++index) {
    if (!known.empty() && known.front().index == index) {
      all.push_back(known.front().frame);
      known = known.subspan(1);
      continue;
    }
    const auto& found = frames_at(process, stack.frames[index].lookup());
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

std::vector<Frame> Symbolizer::native(ProcessView& process, Module& module, ElfAddress address) {
  std::vector<Frame> frames;
  for (NamedGoFrame& go : go_frames(module, address)) frames.push_back(std::move(go.frame));
  if (!frames.empty()) return frames;

  ModuleNames& names = module.names(process.access(), process.process());
  if (names.lines) {
    for (SourcePosition& position : names.lines->find(address)) {
      Frame frame = frame_in(module, address);
      frame.kind = position.inlined ? FrameKind::kInlined : FrameKind::kNative;
      frame.function = demangle(position.function);
      frame.function_offset = position.function_offset;
      frame.file = std::move(position.file);
      frame.line = position.line;
      frames.push_back(std::move(frame));
    }
  }
  if (frames.empty() || frames.back().kind == FrameKind::kInlined) {
    frames.push_back(frame_in(module, address));
  }
  // The symbol table knows the name under which the linker and other tools know the function.
  if (const auto symbol = names.symbols.find(address)) {
    frames.back().function = demangle(symbol->name);
    frames.back().function_offset = symbol->offset;
  }
  return frames;
}

std::vector<Frame> Symbolizer::generated(ProcessView& process, Address address,
                                         const Mapping& mapping) {
  Frame frame;
  frame.kind = FrameKind::kJit;
  frame.module = mapping.path;
  JitNames& names = jits_.try_emplace(process.process(), process.process()).first->second;
  const auto name = names.find(process.access(), address);
  if (!name) return {std::move(frame)};
  if (auto js = parse_js_name(name->name)) {
    // The same function, whichever compiler made this code of it, and wherever.
    frame.function = std::move(js->name);
    frame.file = std::move(js->file);
    frame.line = js->line;
    frame.module.clear();
  } else {
    frame.function = std::string(name->name);
    frame.function_offset = name->offset;
  }
  return {std::move(frame)};
}

void Symbolizer::forget(Pid process) {
  jits_.erase(process);
}

}  // namespace plumb::detect
