// SPDX-License-Identifier: Apache-2.0
// What all writers of a check agree on.
#include "detect/report/check_document.h"

#include <fmt/format.h>

#include <algorithm>

#include "detect/report/own_frame.h"
#include "detect/report/trace_stack_text.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kShortWidth = 100;

std::string_view plural(std::uint64_t count) {
  return count == 1 ? "" : "s";
}

// "listener", "tcp descriptor", "temporary file".
std::string thing(const Leftover& left) {
  switch (left.what) {
    case Leftover::What::kDescriptor:
      return left.listener ? "listener" : std::string(name_of(left.kind)) + " descriptor";
    case Leftover::What::kRunning:
      return "process";
    case Leftover::What::kUnwaited:
      return "zombie";
    case Leftover::What::kFile:
      return left.kind == Kind::kDirectory ? "temporary directory" : "temporary file";
    case Leftover::What::kThread:
      return "thread";
    case Leftover::What::kResource:
      return left.kind == Kind::kHeap ? "heap block" : std::string(kind_of(left));
  }
  return {};
}

bool is_estimate(const LeakGroup& group) {
  return std::ranges::any_of(group.samples, &Leftover::estimated);
}

// " (48KiB)" of what has a size.
std::string size_of(const LeakGroup& group) {
  return group.bytes == 0 ? std::string() : fmt::format(" ({})", human_size(group.bytes));
}

}  // namespace

std::string kind_in_words(const LeakGroup& group) {
  return group.first().listener ? "listener" : std::string(kind_of(group.first()));
}

std::string summary_of(const CheckDocument& document, const LeakGroup& group) {
  const Leftover& left = group.first();
  const std::string what = left.what == Leftover::What::kFile && group.count > 1
                               ? fmt::format("{} temporary files", human_count(group.count))
                           : left.what == Leftover::What::kRunning && group.count > 1
                               ? fmt::format("{} processes", human_count(group.count))
                               // A name that a user gave has no plural.
                               : fmt::format("{} {}{}", human_count(group.count), thing(left),
                                             left.kind_name.empty() ? plural(group.count) : "");
  std::string text;
  switch (left.what) {
    case Leftover::What::kDescriptor:
      text = fmt::format("{} still open at the end of {}", what, clean(left.process));
      break;
    case Leftover::What::kRunning:
      text = fmt::format("{} left running: {}", what, clean(left.process));
      break;
    case Leftover::What::kUnwaited:
      text = fmt::format("{} never waited for: {}", what, clean(left.process));
      break;
    case Leftover::What::kThread:
      text = fmt::format("{} still running at the end of {}", what, clean(left.process));
      break;
    case Leftover::What::kResource:
      text = fmt::format("{}{}{} never given back by {}", is_estimate(group) ? "about " : "", what,
                         size_of(group), clean(left.process));
      break;
    case Leftover::What::kFile:
      text = fmt::format("{} left by {}: {}", what, clean(left.process), left.name);
      break;
  }
  if (left.stack != StackStore::kEmpty) {
    text += fmt::format(", from {}", origin_in_short(document.stacks, left.stack, kShortWidth));
  }
  return text;
}

const Frame* blamed_frame(const CheckDocument& document, const LeakGroup& group) {
  std::vector<const Frame*> frames;
  for (const FrameId id : document.stacks.frames(group.first().stack)) {
    frames.push_back(&document.stacks.frame(id));
  }
  const auto own = own_frames(frames);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (own[i] && frames[i]->line && !frames[i]->file.empty()) return frames[i];
  }
  const auto any = std::ranges::find_if(
      frames, [](const Frame* frame) { return frame->line && !frame->file.empty(); });
  return any == frames.end() ? nullptr : *any;
}

std::string relative_file(const CheckDocument& document, const Frame& frame) {
  const std::string& root = document.root;
  const bool below = !root.empty() && frame.file.size() > root.size() + 1 &&
                     frame.file.starts_with(root) && frame.file[root.size()] == '/';
  return below ? frame.file.substr(root.size() + 1) : frame.file;
}

}  // namespace plumb::detect
