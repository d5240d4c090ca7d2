// SPDX-License-Identifier: Apache-2.0
// Texts and numbers of JSON.
#include "detect/report/json_writer.h"

#include <algorithm>
#include <array>

#include "detect/report/utf8.h"

namespace plumb::detect {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// Bytes that stand for themselves in a JSON string: printable ASCII but the quote and the
// backslash.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

}  // namespace

void JsonWriter::grow(std::size_t more) {
  const std::size_t wanted = std::max(capacity_ * 2, size_ + more);
  std::unique_ptr<char[]> bigger(new char[wanted]);
  std::memcpy(bigger.get(), data_.get(), size_);
  data_ = std::move(bigger);
  capacity_ = wanted;
}

void JsonWriter::seconds(std::chrono::nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count < 0) data_[size_++] = '-';
  const auto magnitude =
      count < 0 ? -static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  digits(magnitude / 1'000'000'000);
  std::uint64_t rest = magnitude % 1'000'000'000;
  if (rest == 0) return;
  data_[size_++] = '.';
  for (std::uint64_t place = 100'000'000; rest != 0; place /= 10) {
    data_[size_++] = static_cast<char>('0' + rest / place);
    rest %= place;
  }
}

void JsonWriter::quoted(std::string_view text) {
  ensure(text.size() + 2 + kNumber);
  data_[size_++] = '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && kPlain[static_cast<unsigned char>(text[plain])]) ++plain;
    bytes(text.substr(0, plain));
    text.remove_prefix(plain);
    if (!text.empty()) escape(text);
  }
  data_[size_++] = '"';
}

// Takes one character off the front of `text`. Keeps room for all that is left of it.
void JsonWriter::escape(std::string_view& text) {
  ensure(text.size() + kNumber);
  const auto byte = static_cast<unsigned char>(text.front());
  const auto hex_byte = [&](unsigned char value) {
    raw("\\\\x");
    data_[size_++] = kHex[value >> 4];
    data_[size_++] = kHex[value & 15];
  };
  const auto unit = [&](char32_t value) {
    raw("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) data_[size_++] = kHex[(value >> shift) & 15];
  };
  const CodePoint c = decode_utf8(text);
  if (c.length == 0) {
    hex_byte(byte);
    text.remove_prefix(1);
    return;
  }
  if (byte == '\\' && text.size() > 1 && text[1] == 'x') {
    hex_byte(byte);
  } else if (byte == '"' || byte == '\\') {
    data_[size_++] = '\\';
    data_[size_++] = static_cast<char>(byte);
  } else if (is_unprintable(c.value)) {
    unit(c.value <= 0xffff ? c.value : 0xd7c0 + (c.value >> 10));
    if (c.value > 0xffff) unit(0xdc00 + (c.value & 0x3ff));
  } else {
    bytes(text.substr(0, c.length));
  }
  text.remove_prefix(c.length);
}

}  // namespace plumb::detect
