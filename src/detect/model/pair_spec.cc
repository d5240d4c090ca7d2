// SPDX-License-Identifier: Apache-2.0
// Reading pairs.
#include "detect/model/pair_spec.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr unsigned kMostArguments = 6;  // that are in registers
constexpr unsigned kMostOffset = 8184;
constexpr std::size_t kMostFunctions = 32;
constexpr std::size_t kLongest = 256;

Error wrong(std::string_view text, std::string_view why) {
  return fail(
      "read", "pair \"" + std::string(text.substr(0, kLongest)) + "\" (" + std::string(why) + ")",
      EINVAL, "write NAME=FILE:ACQUIRE,RELEASE, as in conn=libpq.so.5:PQconnectdb,PQfinish");
}

// False where the text after the name makes no sense.
bool read_place(std::string_view text, PairFunction& function) {
  const char mark = text.front();
  text.remove_prefix(1);
  if (mark == '@') {
    function.form = PairForm::kArgument;
    if (text.ends_with('!')) {
      function.form = PairForm::kIfZero;
      text.remove_suffix(1);
    }
  } else {
    function.form = PairForm::kPointedTo;
    const auto plus = text.find('+');
    if (plus != std::string_view::npos) {
      const auto offset = parse_number<unsigned>(text.substr(plus + 1));
      if (!offset || *offset > kMostOffset || *offset % 8 != 0) return false;
      function.offset = *offset;
      text = text.substr(0, plus);
    }
  }
  const auto argument = parse_number<unsigned>(text);
  if (!argument || *argument < 1 || *argument > kMostArguments) return false;
  function.argument = *argument;
  return true;
}

bool read_functions(std::string_view list, PairForm plain, std::vector<PairFunction>& into) {
  while (!list.empty()) {
    const std::string_view text = trim(take_until(list, '|'));
    const auto mark = text.find_first_of("@*");
    PairFunction function{std::string(text.substr(0, mark)), plain};
    if (function.name.empty() || function.name.size() > kLongest) return false;
    if (mark != std::string_view::npos && !read_place(text.substr(mark), function)) return false;
    into.push_back(std::move(function));
  }
  return !into.empty() && into.size() <= kMostFunctions;
}

bool is_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 32 && std::ranges::all_of(name, good);
}

}  // namespace

Result<Pair> parse_pair(std::string_view text) {
  std::string_view rest = trim(text);
  Pair pair;
  pair.name = trim(take_until(rest, '='));
  if (!is_name(pair.name)) {
    return wrong(text, "a name has up to 32 letters, digits, dots, - and _");
  }
  pair.file = trim(take_until(rest, ':'));
  if (pair.file.empty() || pair.file.size() > 4096) return wrong(text, "no file");
  if (!read_functions(take_until(rest, ','), PairForm::kReturned, pair.acquires)) {
    return wrong(text, "no function that acquires");
  }
  if (!read_functions(rest, PairForm::kArgument, pair.releases)) {
    return wrong(text, "no function that releases");
  }
  return pair;
}

Result<std::vector<Pair>> parse_pairs(std::string_view text) {
  std::vector<Pair> pairs;
  while (!text.empty()) {
    const std::string_view line = trim(take_until(text, '\n'));
    if (line.empty() || line.front() == '#') continue;
    auto pair = parse_pair(line);
    if (!pair) return std::move(pair).error();
    pairs.push_back(*std::move(pair));
  }
  return pairs;
}

}  // namespace plumb::detect
