// SPDX-License-Identifier: Apache-2.0
// Bytes: writes the little-endian records that parser tests feed to parsers.
#pragma once

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace plumb::detect {

class Bytes {
 public:
  template <typename T>
  Bytes& put(T value) {
    const auto raw = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
    return *this;
  }
  Bytes& octets(std::initializer_list<int> values) {
    for (const int value : values) bytes_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  Bytes& text(std::string_view value) {
    const auto raw = std::as_bytes(std::span(value));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
    bytes_.push_back(std::byte{0});
    return *this;
  }
  Bytes& append(std::span<const std::byte> other) {
    bytes_.insert(bytes_.end(), other.begin(), other.end());
    return *this;
  }
  Bytes& pad_to(std::size_t multiple) {
    while (bytes_.size() % multiple != 0) bytes_.push_back(std::byte{0});
    return *this;
  }
  template <typename T>
  Bytes& patch(std::size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof(value));
    return *this;
  }

  std::size_t size() const { return bytes_.size(); }
  std::span<const std::byte> view() const { return bytes_; }
  std::vector<std::byte> vector() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace plumb::detect
