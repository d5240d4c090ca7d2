// SPDX-License-Identifier: Apache-2.0
// The parsed head of a message: views into the bytes that the caller gave, nothing is copied.
//
// Lifetime: a head and its fields are valid as long as the caller's bytes stay where they were, and
// until the parser is asked for what follows the message's end. Copy what must live longer.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "plumb/http/framing.h"

namespace plumb::http {

// A field line without its colon and without the blanks around its value (RFC 9112 section 5).
struct Field {
  std::string_view name;
  std::string_view value;

  friend bool operator==(const Field&, const Field&) = default;
};

// Where a field stands, counted from the start of its section.
struct FieldPlace {
  std::uint32_t name;
  std::uint32_t name_size;
  std::uint32_t value;
  std::uint32_t value_size;
};

// The fields of a head or of a trailer section, in the order in which they came.
class Fields {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Field;
    using difference_type = std::ptrdiff_t;
    using reference = Field;
    using pointer = void;

    Iterator() = default;
    Iterator(const char* base, const FieldPlace* place) : base_(base), place_(place) {}
    Field operator*() const {
      return {{base_ + place_->name, place_->name_size},
              {base_ + place_->value, place_->value_size}};
    }
    Iterator& operator++() {
      ++place_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator old = *this;
      ++place_;
      return old;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.place_ == b.place_; }

   private:
    const char* base_ = nullptr;
    const FieldPlace* place_ = nullptr;
  };

  Fields() = default;
  Fields(const char* base, const FieldPlace* places, std::size_t count)
      : base_(base), places_(places), count_(count) {}

  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  Field operator[](std::size_t index) const { return *Iterator(base_, places_ + index); }
  Iterator begin() const { return {base_, places_}; }
  Iterator end() const { return {base_, places_ + count_}; }

  // The same fields over a copy of the bytes: what stood at `from` stands at `to` now.
  Fields moved(const char* from, const char* to) const noexcept {
    return {base_ == nullptr ? base_ : to + (base_ - from), places_, count_};
  }

  // As a vector, for what takes a span; the views stay views.
  std::vector<Field> list() const { return {begin(), end()}; }

  // The value of the first field of that name, in any case of letters.
  std::optional<std::string_view> find(std::string_view name) const;

 private:
  const char* base_ = nullptr;
  const FieldPlace* places_ = nullptr;
  std::size_t count_ = 0;
};

struct RequestHead {
  Method method = Method::kOther;
  std::string_view method_text;  // as sent; methods are case-sensitive
  std::string_view target;       // as sent: origin, absolute, authority or asterisk form
  std::string_view host;         // the Host field's value; empty where HTTP/1.0 sent none
  Version version = Version::kHttp11;
  Fields fields;
  Framing framing;
  bool expects_continue = false;  // Expect: 100-continue
  bool upgrade = false;           // Upgrade, and Connection names it
};

struct ResponseHead {
  Version version = Version::kHttp11;
  int status = 0;
  std::string_view reason;
  Fields fields;
  Framing framing;

  bool interim() const noexcept { return status >= 100 && status <= 199 && status != 101; }
};

}  // namespace plumb::http
