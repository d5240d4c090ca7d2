// SPDX-License-Identifier: Apache-2.0
// Which coding an Accept-Encoding asks for (RFC 9110 section 12.5.3).
#include "plumb/http/coding_policy.h"
#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

// qvalue in thousandths; nothing where it is not one. RFC 9110 section 12.4.2.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  if (text.size() == 1) return weight;
  if (text[1] != '.') return std::nullopt;
  int unit = 100;
  for (const char digit : text.substr(2)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    weight += (digit - '0') * unit;
    unit /= 10;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

struct Wish {
  std::string_view token;
  int weight = 1000;
};

// A parameter that is not a weight, or a broken one, makes the element worthless: weight 0.
Wish parse_wish(std::string_view element) {
  const std::size_t semicolon = element.find(';');
  Wish wish{trim_blanks(element.substr(0, semicolon))};
  if (semicolon == std::string_view::npos) return wish;
  const auto parameter = trim_blanks(element.substr(semicolon + 1));
  const bool weight = parameter.size() > 2 && lower(parameter[0]) == 'q' && parameter[1] == '=';
  wish.weight = weight ? parse_weight(parameter.substr(2)).value_or(0) : 0;
  return wish;
}

// What the list gives to `wanted`: its own weight, else that of "*", else nothing.
template <typename Matches>
std::optional<int> weight_of(std::string_view list, Matches wanted, bool star_counts) {
  std::optional<int> own;
  std::optional<int> star;
  std::string_view element;
  while (take_element(list, element)) {
    const Wish wish = parse_wish(element);
    if (wanted(wish.token)) own = wish.weight;
    if (wish.token == "*") star = wish.weight;
  }
  return own ? own : star_counts ? star : std::nullopt;
}

}  // namespace

std::optional<Coding> negotiate(std::string_view accept_encoding, std::span<const Coding> offered) {
  const auto identity = weight_of(
      accept_encoding, [](std::string_view token) { return same_ignoring_case(token, "identity"); },
      false);
  std::optional<Coding> best;
  int best_weight = 0;
  for (const Coding coding : offered) {
    const auto weight = weight_of(
        accept_encoding, [&](std::string_view token) { return coding_named(token) == coding; },
        true);
    if (weight.value_or(0) > best_weight) {
      best = coding;
      best_weight = *weight;
    }
  }
  return best_weight < identity.value_or(0) ? std::nullopt : best;
}

}  // namespace plumb::http
