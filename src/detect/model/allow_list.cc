// SPDX-License-Identifier: Apache-2.0
// Parsing and matching of patterns.
#include "detect/model/allow_list.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "detect/record/call_name.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// A whole path, or only its last part.
bool fits_path(std::string_view glob, std::string_view path) {
  return fits_glob(glob, path) || fits_glob(glob, last_part(path));
}

}  // namespace

// Two pointers and one place to come back to: the last star. Where a text does not fit, the star
// takes one byte more.
bool fits_glob(std::string_view glob, std::string_view text) {
  std::size_t g = 0;
  std::size_t t = 0;
  std::optional<std::pair<std::size_t, std::size_t>> star;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = {++g, t};
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star) {
      g = star->first;
      t = ++star->second;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

std::string_view kind_of(const Leftover& leftover) {
  switch (leftover.what) {
    case Leftover::What::kDescriptor:
      return name_of(leftover.kind);
    case Leftover::What::kRunning:
      return "process";
    case Leftover::What::kUnwaited:
      return "zombie";
    case Leftover::What::kFile:
      return "temporary";
    case Leftover::What::kThread:
      return "thread";
    case Leftover::What::kResource:
      return leftover.kind_name.empty() ? name_of(leftover.kind)
                                        : std::string_view(leftover.kind_name);
  }
  return {};
}

std::optional<AllowList::Field> AllowList::field_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Field>, 7> kFields = {
      {{"kind", Field::kKind},
       {"process", Field::kProcess},
       {"function", Field::kFunction},
       {"file", Field::kFile},
       {"module", Field::kModule},
       {"name", Field::kName},
       {"call", Field::kCall}}};
  for (const auto& [known, field] : kFields) {
    if (known == name) return field;
  }
  return std::nullopt;
}

Result<void> AllowList::add(std::string_view pattern, std::string where) {
  constexpr const char* kAdvice =
      "write FIELD:GLOB or GLOB; fields are kind, process, function, file, module, name, call";
  if (pattern.size() > kMostLine) return fail("read the pattern of", where, E2BIG);
  if (patterns_.size() >= kMostPatterns) return fail("read more patterns in", where, E2BIG);
  Pattern read;
  std::string_view rest = pattern;
  for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) {
    if (word.starts_with('#')) break;
    // A name of C++ has two colons.
    const auto colon = word.find(':');
    const bool plain = colon == std::string_view::npos || colon == 0 ||
                       word.substr(colon).starts_with("::") ||
                       word.substr(0, colon).find_first_of("*?/.") != std::string_view::npos;
    const auto field = plain ? std::optional(Field::kAny) : field_named(word.substr(0, colon));
    const std::string_view glob = plain ? word : word.substr(colon + 1);
    if (!field || glob.empty()) return fail("read the pattern of", where, EINVAL, kAdvice);
    read.words.push_back({*field, std::string(glob)});
  }
  if (read.words.empty()) return fail("read the pattern of", where, EINVAL, kAdvice);
  read.where = std::move(where);
  read.text = std::string(trim(pattern));
  patterns_.push_back(std::move(read));
  return {};
}

Result<void> AllowList::add_lines(std::string_view text, const std::string& file) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = trim(take_until(text, '\n'));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    if (auto added = add(line, file + ":" + std::to_string(number)); !added) return added;
  }
  return {};
}

bool AllowList::fits(const Word& word, const Leftover& leftover, const StackStore& stacks) {
  const auto any_frame = [&](auto&& test) {
    return std::ranges::any_of(stacks.frames(leftover.stack),
                               [&](FrameId id) { return test(stacks.frame(id)); });
  };
  const auto function = [&](const Frame& frame) { return fits_glob(word.glob, frame.function); };
  const auto file = [&](const Frame& frame) { return fits_path(word.glob, frame.file); };
  const auto module = [&](const Frame& frame) { return fits_path(word.glob, frame.module); };
  switch (word.field) {
    case Field::kKind:
      return fits_glob(word.glob, kind_of(leftover));
    case Field::kProcess:
      return fits_glob(word.glob, leftover.process);
    case Field::kFunction:
      return any_frame(function);
    case Field::kFile:
      return any_frame(file);
    case Field::kModule:
      return any_frame(module);
    case Field::kName:
      return fits_glob(word.glob, leftover.name);
    case Field::kCall:
      return fits_glob(word.glob, call_name(leftover.call));
    case Field::kAny:
      return fits_glob(word.glob, leftover.name) || any_frame([&](const Frame& frame) {
               return function(frame) || file(frame) || module(frame);
             });
  }
  return false;
}

std::optional<std::size_t> AllowList::match(const Leftover& leftover,
                                            const StackStore& stacks) const {
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const auto& words = patterns_[i].words;
    if (std::ranges::all_of(words, [&](const Word& word) { return fits(word, leftover, stacks); }))
      return i;
  }
  return std::nullopt;
}

}  // namespace plumb::detect
