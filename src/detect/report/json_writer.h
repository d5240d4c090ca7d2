// SPDX-License-Identifier: Apache-2.0
// JsonWriter: one JSON object a line, fast. A row of 25 members takes about 0.3 us, which a tree of
// values (one allocation a member) does not come near; hence no library here, only in the tests.
//
// Texts are valid UTF-8 in every case. What is no UTF-8 becomes the four characters \xHH for each
// byte, and a backslash that stands before an x becomes \x5c, so that the bytes can be had back.
// What a terminal should not get (is_unprintable) is written as \uHHHH.
#pragma once

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace plumb::detect {

// Threads: none. Members are added in order; the caller opens and closes what it nests, which the
// tests hold it to by parsing every line.
class JsonWriter {
 public:
  JsonWriter() : data_(new char[kFirstSize]), capacity_(kFirstSize) {}

  // {"record":NAME,"schema":VERSION …
  void begin(std::string_view record, int schema) {
    ensure(64 + record.size());
    raw("{\"record\":\"");
    bytes(record);
    raw("\",\"schema\":");
    digits(schema);
    comma_ = true;
  }
  // Begins an object with members that text() gave for another one.
  void begin_with(std::string_view members) {
    ensure(members.size());
    bytes(members);
    comma_ = true;
  }
  // … }
  void end() {
    ensure(2);
    raw("}\n");
    comma_ = false;
  }

  template <std::size_t N>
  void member(const char (&name)[N], std::integral auto value) {
    key(name);
    if constexpr (std::same_as<decltype(value), bool>) {
      value ? raw("true") : raw("false");
    } else {
      digits(value);
    }
  }
  template <std::size_t N>
  void member(const char (&name)[N], std::string_view text) {
    key(name);
    quoted(text);
  }
  // In seconds, with as many digits as it needs: 90, 0.25.
  template <std::size_t N>
  void member(const char (&name)[N], std::chrono::nanoseconds duration) {
    key(name);
    seconds(duration);
  }

  template <std::size_t N>
  void open_object(const char (&name)[N]) {
    key(name);
    data_[size_++] = '{';
    comma_ = false;
  }
  template <std::size_t N>
  void open_list(const char (&name)[N]) {
    key(name);
    data_[size_++] = '[';
    comma_ = false;
  }
  void close_object() { close('}'); }
  void close_list() { close(']'); }

  // Elements of a list.
  void element(std::integral auto value) {
    separate();
    digits(value);
  }
  void element(std::string_view text) {
    separate();
    quoted(text);
  }
  void open_element() {
    separate();
    data_[size_++] = '{';
    comma_ = false;
  }

  std::string_view text() const { return {data_.get(), size_}; }
  std::size_t size() const { return size_; }
  void clear() { size_ = 0; }

 private:
  static constexpr std::size_t kFirstSize = 1 << 16;
  static constexpr std::size_t kNumber = 32;  // room that any number and its punctuation fit in

  void ensure(std::size_t more) {
    if (capacity_ - size_ < more) grow(more);
  }
  void grow(std::size_t more);

  template <std::size_t N>
  void raw(const char (&text)[N]) {
    std::memcpy(data_.get() + size_, text, N - 1);
    size_ += N - 1;
  }
  void bytes(std::string_view text) {
    std::memcpy(data_.get() + size_, text.data(), text.size());
    size_ += text.size();
  }
  template <std::size_t N>
  void key(const char (&name)[N]) {
    ensure(N + 4 + kNumber);
    if (comma_) data_[size_++] = ',';
    comma_ = true;
    data_[size_++] = '"';
    raw(name);
    raw("\":");
  }
  void separate() {
    ensure(kNumber);
    if (comma_) data_[size_++] = ',';
    comma_ = true;
  }
  void digits(std::integral auto value) {
    const auto end = std::to_chars(data_.get() + size_, data_.get() + size_ + 24, value);
    size_ = static_cast<std::size_t>(end.ptr - data_.get());
  }
  void close(char bracket) {
    ensure(1);
    data_[size_++] = bracket;
    comma_ = true;
  }
  void seconds(std::chrono::nanoseconds duration);
  void quoted(std::string_view text);
  void escape(std::string_view& text);

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_;
  bool comma_ = false;  // something stands before the next member
};

}  // namespace plumb::detect
