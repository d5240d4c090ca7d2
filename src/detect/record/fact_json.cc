// SPDX-License-Identifier: Apache-2.0
// Texts and bytes in JSON.
#include "detect/record/fact_json.h"

#include <algorithm>

namespace plumb::detect {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

std::string hex_of(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4U];
    text += kDigits[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

bool bytes_of_hex(std::string_view text, std::vector<std::byte>& bytes) {
  if (text.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::size_t high = kDigits.find(text[i]);
    const std::size_t low = kDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    bytes.push_back(static_cast<std::byte>(16 * high + low));
  }
  return true;
}

// What is no UTF-8 is left out by one of the two and marked by the other.
bool is_utf8(std::string_view text) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::ranges::all_of(text, plain)) return true;
  const Json json(text);
  return json.dump(-1, ' ', false, Json::error_handler_t::ignore) ==
         json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Json json_of_text(std::string_view text) {
  if (is_utf8(text)) return text;
  Json made = Json::object();
  made["bytes"] = hex_of(std::as_bytes(std::span(text)));
  return made;
}

bool text_of_json(const ReadJson& json, std::string& text) {
  if (json.is_string()) {
    text = json.get_ref<const std::string&>();
    return true;
  }
  if (!json.is_object()) return false;
  const auto found = json.find("bytes");
  std::vector<std::byte> bytes;
  if (found == json.end() || !found->is_string()) return false;
  if (!bytes_of_hex(found->get_ref<const std::string&>(), bytes)) return false;
  text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return true;
}

Json json_of_bytes(std::span<const std::byte> bytes) {
  while (!bytes.empty() && bytes.back() == std::byte{0}) bytes = bytes.first(bytes.size() - 1);
  return hex_of(bytes);
}

bool bytes_of_json(const ReadJson& json, std::size_t most, std::vector<std::byte>& bytes) {
  return json.is_string() && bytes_of_hex(json.get_ref<const std::string&>(), bytes) &&
         bytes.size() <= most;
}

bool says_nothing(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return !json.get<bool>();
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return json.get<std::int64_t>() == 0;
    case Json::value_t::string:
      return json.get_ref<const std::string&>().empty();
    case Json::value_t::array:
    case Json::value_t::object:
      return json.empty();
    default:
      return json.is_null();
  }
}

}  // namespace plumb::detect
