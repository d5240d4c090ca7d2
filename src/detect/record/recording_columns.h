// SPDX-License-Identifier: Apache-2.0
// A table of a recording as one list of its columns, from which its schema, its insertion and its
// reading are made. Table<Row>, in recording_tables.h, has for each row type
//
//   static constexpr std::string_view kName, kKey;
//   static void columns(auto& column, auto& row) { column("fd", row.fd); … }
//
// where column(name, value) is for numbers and bytes and column.text(name, value) for texts, which
// stand once in the table `text` and are referred to by number.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "detect/record/build_id.h"
#include "detect/record/recording_database.h"
#include "detect/record/recording_values.h"
#include "detect/record/text_pool.h"

namespace plumb::detect {

template <typename Row>
struct Table;

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <typename T>
inline constexpr bool kIsBytes =
    std::is_same_v<T, BuildId> || std::is_same_v<T, std::array<std::uint8_t, 16>>;

// Collects what SQL says of a table, in few words: the descriptions of all tables fit into the
// first page, so that a file that was cut anywhere behind it tells what is left. Readers check each
// value.
class ColumnNames {
 public:
  template <typename T>
  void operator()(std::string_view name, const T&) {
    add(name, kIsBytes<T> ? " BLOB" : "");
  }
  template <typename T>
  void text(std::string_view name, const T&) {
    add(name, "");
  }
  void words(std::string_view name, const std::string&) { add(name, " TEXT"); }

  std::string definitions;
  std::string names;
  std::string marks;

 private:
  void add(std::string_view name, std::string_view type) {
    const std::string_view comma = names.empty() ? "" : ", ";
    definitions.append(comma).append(name).append(type);
    names.append(comma).append(name);
    marks.append(comma).append("?");
  }
};

template <typename Row>
ColumnNames columns_of() {
  ColumnNames names;
  Row row{};
  Table<Row>::columns(names, row);
  return names;
}

// "CREATE TABLE stack (…)", as it stands in the file.
template <typename Row>
std::string creation_of() {
  const std::string key(Table<Row>::kKey);
  return "CREATE TABLE " + std::string(Table<Row>::kName) + " (" + columns_of<Row>().definitions +
         ", PRIMARY KEY (" + key + ")) WITHOUT ROWID";
}

// The numbers of texts. 0 is the empty text.
using TextNumbers = std::unordered_map<std::string, std::uint32_t>;

// Puts a row into an INSERT.
class BindColumns {
 public:
  // `pool` holds the texts that the row refers to; null where it refers to none.
  BindColumns(Statement& statement, TextNumbers& texts, const TextPool* pool)
      : statement_(statement), texts_(texts), pool_(pool) {}

  template <typename T>
  void operator()(std::string_view, const T& value) {
    ++place_;
    if constexpr (std::is_same_v<T, BuildId>) {
      statement_.bind_bytes(place_, value.bytes());
    } else if constexpr (kIsBytes<T>) {
      std::size_t used = value.size();
      while (used > 0 && value[used - 1] == 0) --used;
      statement_.bind_bytes(place_, std::as_bytes(std::span(value.data(), used)));
    } else if constexpr (IsOptional<T>::value) {
      if (value) {
        statement_.bind(place_, to_integer(*value));
      } else {
        statement_.bind_null(place_);
      }
    } else {
      statement_.bind(place_, to_integer(value));
    }
  }
  void text(std::string_view, const std::string& value) { number_of(value); }
  void text(std::string_view, TextRef ref) {
    number_of(pool_ == nullptr ? std::string() : std::string(pool_->at(ref)));
  }
  void words(std::string_view, const std::string& value) { statement_.bind_text(++place_, value); }

 private:
  void number_of(const std::string& value) {
    const auto fresh = static_cast<std::uint32_t>(texts_.size() + 1);
    statement_.bind(++place_, value.empty() ? 0 : texts_.try_emplace(value, fresh).first->second);
  }

  Statement& statement_;
  TextNumbers& texts_;
  const TextPool* pool_;
  int place_ = 0;
};

// The texts of a file by their numbers. Every row may refer to every text, so that a small file
// could ask for a great deal of memory: what is handed out is bounded, and empty beyond.
class TextsByNumber {
 public:
  TextsByNumber() = default;
  TextsByNumber(std::vector<std::string> texts, std::uint64_t most_bytes)
      : texts_(std::move(texts)), left_(most_bytes) {}

  // A text that is missing from a damaged file reads as the empty one.
  std::string_view at(std::uint64_t number) {
    if (number >= texts_.size() || texts_[number].size() > left_) return {};
    left_ -= texts_[number].size();
    return texts_[number];
  }

 private:
  std::vector<std::string> texts_;
  std::uint64_t left_ = 0;
};

// Takes a row from a SELECT; good() is false where a value is none of its type's.
class ReadColumns {
 public:
  // `pool` takes up the texts that a row refers to.
  ReadColumns(const Statement& statement, TextsByNumber& texts, TextPool* pool)
      : statement_(statement), texts_(texts), pool_(pool) {}

  template <typename T>
  void operator()(std::string_view, T& value) {
    ++column_;
    if constexpr (kIsBytes<T>) {
      good_ &= statement_.is_bytes(column_);
      take(statement_.bytes(column_), value);
    } else if constexpr (IsOptional<T>::value) {
      if (statement_.is_null(column_)) return value.reset();
      good_ &= statement_.is_integer(column_);
      good_ &= from_integer(statement_.integer(column_), value.emplace());
    } else {
      good_ &= statement_.is_integer(column_);
      good_ &= from_integer(statement_.integer(column_), value);
    }
  }
  void text(std::string_view, std::string& value) { value = text_of_next(); }
  void text(std::string_view, TextRef& ref) {
    const std::string_view found = text_of_next();
    if (pool_ != nullptr) ref = pool_->add(found);
  }
  void words(std::string_view, std::string& value) {
    good_ &= statement_.is_text(++column_);
    value = statement_.text(column_);
  }
  bool good() const { return good_; }

 private:
  std::string_view text_of_next() {
    good_ &= statement_.is_integer(++column_);
    return texts_.at(static_cast<std::uint64_t>(statement_.integer(column_)));
  }
  static void take(std::span<const std::byte> bytes, BuildId& value) { value = BuildId(bytes); }
  void take(std::span<const std::byte> bytes, std::array<std::uint8_t, 16>& value) {
    value.fill(0);
    good_ &= bytes.size() <= value.size();
    const std::size_t size = std::min(bytes.size(), value.size());
    for (std::size_t i = 0; i < size; ++i) value[i] = std::to_integer<std::uint8_t>(bytes[i]);
  }

  const Statement& statement_;
  TextsByNumber& texts_;
  TextPool* pool_;
  int column_ = -1;
  bool good_ = true;
};

}  // namespace plumb::detect
