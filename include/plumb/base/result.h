// SPDX-License-Identifier: Apache-2.0
// Result<T>: the one way in which plumb reports failure. Shaped like C++23's std::expected, which
// g++ 12 does not have, and insulated here so that it can become that one day.
//
// Exceptions do not cross a folder; a function that can fail returns a Result and says in its
// header which errors. An Error tells what was tried, on what, why it failed and what to do:
//
//   return fail("open", path, errno, "run as root, or choose processes of your own");
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace plumb {

struct Error {
  std::string operation;  // what was tried: "open", "bpf_link_create"
  std::string object;     // on what: "/proc/812/fd"; may be empty
  int code = 0;           // errno; 0 where no system call failed
  std::string advice;     // what the user can do; may be empty

  // "open /proc/812/fd: Permission denied (run as root)", one line.
  std::string message() const;

  friend bool operator==(const Error&, const Error&) = default;
};

// Holds a T or an Error. Reading the wrong one is a bug of the caller and asserts.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  T& value() & { return *std::get_if<0>(checked(0)); }
  const T& value() const& { return *std::get_if<0>(checked(0)); }
  T&& value() && { return std::move(*std::get_if<0>(checked(0))); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return *std::get_if<1>(checked(1)); }
  Error&& error() && { return std::move(*std::get_if<1>(checked(1))); }

 private:
  std::variant<T, Error>* checked([[maybe_unused]] std::size_t index) {
    assert(state_.index() == index);
    return &state_;
  }
  const std::variant<T, Error>* checked([[maybe_unused]] std::size_t index) const {
    assert(state_.index() == index);
    return &state_;
  }

  std::variant<T, Error> state_;
};

// Success without a value.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  bool ok() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return ok(); }

  const Error& error() const& {
    assert(failed_);
    return error_;
  }
  Error&& error() && {
    assert(failed_);
    return std::move(error_);
  }

 private:
  Error error_;
  bool failed_ = false;
};

inline Error fail(std::string operation, std::string object, int code, std::string advice = {}) {
  return Error{std::move(operation), std::move(object), code, std::move(advice)};
}

}  // namespace plumb
