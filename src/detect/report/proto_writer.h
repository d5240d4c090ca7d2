// SPDX-License-Identifier: Apache-2.0
// ProtoWriter: protocol buffers' wire format, as much as a profile takes: varints, texts, messages
// within messages (protobuf.dev/programming-guides/encoding). A hundred lines less than a generated
// class, and no compiler in the build.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace plumb::detect {

class ProtoWriter {
 public:
  // A number field; negative ones in two's complement as int64. Zero is left out, as in proto3.
  void number(std::uint32_t field, std::uint64_t value) {
    if (value == 0) return;
    varint(std::uint64_t{field} << 3U);
    varint(value);
  }
  void text(std::uint32_t field, std::string_view bytes) {
    varint(std::uint64_t{field} << 3U | 2U);
    varint(bytes.size());
    bytes_ += bytes;
  }
  void message(std::uint32_t field, const ProtoWriter& inner) { text(field, inner.bytes_); }
  // A repeated number field, packed.
  template <typename Numbers>
  void numbers(std::uint32_t field, const Numbers& values) {
    ProtoWriter inner;
    for (const auto value : values) inner.varint(static_cast<std::uint64_t>(value));
    message(field, inner);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_ += static_cast<char>(0x80U | (value & 0x7fU));
      value >>= 7U;
    }
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace plumb::detect
