// SPDX-License-Identifier: Apache-2.0
// Rust's legacy symbol names (rustc_symbol_mangling::legacy).
#include <array>
#include <charconv>

#include "detect/symbol/demangle.h"
#include "detect/symbol/utf8.h"

namespace plumb::detect {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kEscapes{{
    {"SP", "@"},
    {"BP", "*"},
    {"RF", "&"},
    {"LT", "<"},
    {"GT", ">"},
    {"LP", "("},
    {"RP", ")"},
    {"C", ","},
}};

bool is_hash(std::string_view part) {
  return part.size() == 17 && part[0] == 'h' &&
         part.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

bool decode_escape(std::string_view code, std::string& into) {
  for (const auto& [name, text] : kEscapes) {
    if (code == name) {
      into += text;
      return true;
    }
  }
  if (code.size() < 2 || code.size() > 7 || code[0] != 'u') return false;
  std::uint32_t point = 0;
  const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), point, 16);
  return error == std::errc{} && end == code.data() + code.size() && append_utf8(point, into);
}

// A part begins with '_' only to protect a leading '$'; ".." stands for "::".
bool decode_part(std::string_view part, std::string& into) {
  if (part.starts_with("_$")) part.remove_prefix(1);
  while (!part.empty()) {
    if (part.starts_with("..")) {
      into += "::";
      part.remove_prefix(2);
    } else if (part.front() == '$') {
      const auto close = part.find('$', 1);
      if (close == std::string_view::npos) return false;
      if (!decode_escape(part.substr(1, close - 1), into)) return false;
      part.remove_prefix(close + 1);
    } else {
      into += part.front();
      part.remove_prefix(1);
    }
  }
  return true;
}

}  // namespace

std::optional<std::string> demangle_rust_legacy(std::string_view symbol) {
  if (symbol.size() > kLongestMangled || !symbol.starts_with("_ZN")) return std::nullopt;
  std::string_view rest = symbol.substr(3);
  std::string path;
  std::string_view last;
  while (!rest.empty() && rest.front() != 'E') {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    if (error != std::errc{}) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (length == 0 || length > rest.size()) return std::nullopt;
    if (!last.empty()) {
      if (!path.empty()) path += "::";
      if (!decode_part(last, path)) return std::nullopt;
    }
    last = rest.substr(0, length);
    rest.remove_prefix(length);
  }
  // The last part must be the hash; ".llvm.123" may follow the E.
  if (rest.empty() || !is_hash(last) || path.empty()) return std::nullopt;
  if (rest.size() > 1 && rest[1] != '.') return std::nullopt;
  return path;
}

}  // namespace plumb::detect
