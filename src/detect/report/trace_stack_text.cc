// SPDX-License-Identifier: Apache-2.0
// Writing of stacks.
#include "detect/report/trace_stack_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "detect/report/own_frame.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostFrames = 40;
constexpr std::size_t kMostInShort = 3;
constexpr std::size_t kUsualFunction = 56;  // cells, where the paper has no width
constexpr std::string_view kIndent = "      ";
constexpr std::string_view kOwnIndent = "    ▸ ";

std::vector<const Frame*> frames_of(const StackStore& stacks, StackNode stack) {
  std::vector<const Frame*> frames;
  for (const FrameId id : stacks.frames(stack)) frames.push_back(&stacks.frame(id));
  return frames;
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// "leaks.c:8", "libcurl.so.4+0x47", "generated code". Build ids stand below the report, once.
std::string position_of(const Frame& frame) {
  if (!frame.file.empty()) {
    const std::string file = clean(last_part(frame.file));
    return frame.line ? fmt::format("{}:{}", file, *frame.line) : file;
  }
  if (frame.module.empty()) return frame.kind == FrameKind::kJit ? "generated code" : "";
  const std::string module = clean(last_part(frame.module));
  if (!frame.function.empty()) return fmt::format("{}+0x{:x}", module, frame.function_offset);
  return frame.elf_address ? fmt::format("{} at 0x{:x}", module, number(*frame.elf_address))
                           : module;
}

// How many cells the functions get: what they need, but on narrow paper no more than leaves room
// for the positions.
std::size_t function_width(const std::vector<const Frame*>& frames, const Paper& paper) {
  std::size_t widest = 0;
  std::size_t position = 0;
  for (const Frame* frame : frames) {
    widest = std::max(widest, cells(short_function(*frame)));
    position = std::max(position, cells(position_of(*frame)));
  }
  if (!paper.cuts()) return std::min(widest, kUsualFunction);
  position = std::min(position, paper.width / 3);
  const std::size_t taken = cells(kIndent) + 2 + position;
  return std::min(widest, paper.width > taken + 16 ? paper.width - taken : 16);
}

}  // namespace

std::string origin_in_short(const StackStore& stacks, StackNode stack, std::size_t width) {
  const auto frames = frames_of(stacks, stack);
  std::string text;
  std::size_t told = 0;
  for (const std::size_t index : telling_frames(frames)) {
    const Frame& frame = *frames[index];
    std::string next = frame.function.empty() ? position_of(frame) : short_function(frame);
    if (told > 0) next.insert(0, " ← ");
    if (told > 0 && cells(text) + cells(next) > width) break;
    text += next;
    if (++told == kMostInShort) break;
  }
  return text.empty() ? "?" : cut_middle(text, width);
}

void append_stack(std::string& out, const Paper& paper, const StackStore& stacks, StackNode stack,
                  bool cut) {
  const auto frames = frames_of(stacks, stack);
  const auto own = own_frames(frames);
  const std::size_t width = function_width(frames, paper);
  for (std::size_t i = 0; i < std::min(frames.size(), kMostFrames); ++i) {
    std::string function = short_function(*frames[i]);
    if (paper.cuts()) function = cut_middle(function, width);
    std::string position = position_of(*frames[i]);
    std::string padded;
    append_padded(padded, function, position.empty() ? 0 : width);
    const std::size_t taken = cells(kIndent) + std::max(width, cells(function)) + 2;
    if (paper.cuts())
      position = cut_middle(position, paper.width > taken ? paper.width - taken : 8);
    out += own[i] ? kOwnIndent : kIndent;
    paper.paint(out, own[i] ? Tone::kStrong : Tone::kPlain, padded);
    if (!position.empty()) paper.paint(out, own[i] ? Tone::kPlain : Tone::kFaint, "  " + position);
    out += '\n';
  }
  if (frames.size() > kMostFrames) {
    out += fmt::format("{}… {} more\n", kIndent, frames.size() - kMostFrames);
  }
  if (cut) out += fmt::format("{}… deeper than was followed\n", kIndent);
}

}  // namespace plumb::detect
