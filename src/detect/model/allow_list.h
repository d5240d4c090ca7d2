// SPDX-License-Identifier: Apache-2.0
// AllowList: what a project allows to be left, from a file .plumb-allow or from --allow. A pattern
// is a line of words, all of which must fit; # begins a comment.
//
//   kind:epoll process:nginx*       an epoll of nginx
//   function:log_open               anything that log_open, or what it calls, acquired
//   *libssl*                        a function, a source file, a module, or the thing's own name
//
// A word is FIELD:GLOB or GLOB; in a glob * stands for any text and ? for one byte. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/leftover.h"
#include "detect/record/stack_store.h"
#include "plumb/base/result.h"

namespace plumb::detect {

// Whether a text fits a glob as a whole. Takes time in proportion to both lengths multiplied, at
// most.
bool fits_glob(std::string_view glob, std::string_view text);

class AllowList {
 public:
  static constexpr std::size_t kMostLine = 4096;
  static constexpr std::size_t kMostPatterns = 10'000;

  // Adds one pattern. Errors: EINVAL for an empty one or a field that is none, with the fields as
  // advice. `where` names it in reports: "--allow", ".plumb-allow:3".
  Result<void> add(std::string_view pattern, std::string where);
  // Adds the lines of a file's text. Errors: the first line's that is wrong.
  Result<void> add_lines(std::string_view text, const std::string& file);

  // Which pattern allows it.
  std::optional<std::size_t> match(const Leftover& leftover, const StackStore& stacks) const;

  std::size_t size() const { return patterns_.size(); }
  const std::string& where(std::size_t pattern) const { return patterns_[pattern].where; }
  const std::string& text(std::size_t pattern) const { return patterns_[pattern].text; }

 private:
  enum class Field : std::uint8_t {
    kAny,
    kKind,
    kProcess,
    kFunction,
    kFile,
    kModule,
    kName,
    kCall
  };
  struct Word {
    Field field;
    std::string glob;
  };
  struct Pattern {
    std::vector<Word> words;
    std::string where;
    std::string text;
  };
  static std::optional<Field> field_named(std::string_view name);
  static bool fits(const Word& word, const Leftover& leftover, const StackStore& stacks);

  std::vector<Pattern> patterns_;
};

// "tcp", "file", "process", "zombie", "temporary", "heap", "sqlite.db": what patterns and reports
// call it. A view into the leftover or of a constant.
std::string_view kind_of(const Leftover& leftover);

}  // namespace plumb::detect
