// SPDX-License-Identifier: Apache-2.0
// Facts as JSON and back, from one list of the fields of each type. Fields<T> has
//
//   static void list(auto& field, auto& row) { field("fd", row.fd); … }
//
// where field.text(name, value) is for a text of a survey's pool. What is zero or empty is left
// out and reads as that again. A text that is no UTF-8 stands as {"bytes": "c0ff"}. Reading takes
// nothing for granted: an answer of false says that the object is none of T's.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "detect/record/recording_columns.h"

namespace plumb::detect {

using Json = nlohmann::ordered_json;  // of writing: members stand in the order of the fields
using ReadJson = nlohmann::json;      // of reading: a stranger's million members are found fast

template <typename T>
struct Fields;
// The member that an alternative of a variant stands in.
template <typename T>
inline constexpr std::string_view kAlternative{};

template <typename T>
concept Structured = requires {
  &Fields<T>::template list<int, T>;
};

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsArray : std::false_type {};
template <typename T, std::size_t N>
struct IsArray<std::array<T, N>> : std::true_type {};
template <typename T>
struct IsMap : std::false_type {};
template <typename K, typename V>
struct IsMap<std::map<K, V>> : std::true_type {};
template <typename T>
struct IsVariant : std::false_type {};
template <typename... T>
struct IsVariant<std::variant<T...>> : std::true_type {};

Json json_of_text(std::string_view text);
bool text_of_json(const ReadJson& json, std::string& text);
Json json_of_bytes(std::span<const std::byte> bytes);
// False for what is no hexadecimal text, or longer than `most` bytes.
bool bytes_of_json(const ReadJson& json, std::size_t most, std::vector<std::byte>& bytes);
// Whether it says no more than its absence would.
bool says_nothing(const Json& json);

template <typename T>
Json to_fact(const T& value, const TextPool* pool);

class FactWriter {
 public:
  explicit FactWriter(const TextPool* pool) : pool_(pool) {}
  template <typename T>
  void operator()(std::string_view name, const T& value) {
    if constexpr (IsOptional<T>::value) {
      if (value) made_[std::string(name)] = to_fact(*value, pool_);
    } else {
      put(name, to_fact(value, pool_));
    }
  }
  void text(std::string_view name, TextRef ref) { put(name, json_of_text(pool_->at(ref))); }
  Json take() { return std::move(made_); }

 private:
  void put(std::string_view name, Json value) {
    if (!says_nothing(value)) made_[std::string(name)] = std::move(value);
  }
  const TextPool* pool_;
  Json made_ = Json::object();
};

template <typename T>
Json to_fact(const T& value, const TextPool* pool) {
  if constexpr (std::is_same_v<T, std::string>) {
    return json_of_text(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value;
  } else if constexpr (std::is_same_v<T, Kind>) {
    return name_of(value);
  } else if constexpr (std::is_same_v<T, RunState>) {
    return json_of_text(std::string(value != RunState{}, static_cast<char>(value)));
  } else if constexpr (std::is_same_v<T, BuildId>) {
    return json_of_bytes(value.bytes());
  } else if constexpr (kIsBytes<T>) {
    return json_of_bytes(std::as_bytes(std::span(value)));
  } else if constexpr (IsVector<T>::value || IsArray<T>::value) {
    Json list = Json::array();
    for (const auto& one : value) list.push_back(to_fact(one, pool));
    return list;
  } else if constexpr (IsMap<T>::value) {
    Json list = Json::array();
    for (const auto& [key, one] : value) {
      list.push_back(Json::array({to_fact(key, pool), to_fact(one, pool)}));
    }
    return list;
  } else if constexpr (IsVariant<T>::value) {
    return std::visit(
        [&]<typename One>(const One& one) {
          Json made = Json::object();
          made[std::string(kAlternative<One>)] = to_fact(one, pool);
          return made;
        },
        value);
  } else if constexpr (Structured<T>) {
    FactWriter writer(pool);
    Fields<T>::list(writer, value);
    return writer.take();
  } else {
    return to_integer(value);
  }
}

template <typename T>
bool from_fact(const ReadJson& json, T& value, TextPool* pool);

class FactReader {
 public:
  FactReader(const ReadJson& json, TextPool* pool) : json_(json), pool_(pool) {}
  template <typename T>
  void operator()(std::string_view name, T& value) {
    const auto found = json_.find(std::string(name));
    const bool here = found != json_.end();
    if constexpr (IsOptional<T>::value) {
      value.reset();
      if (here) good_ &= from_fact(*found, value.emplace(), pool_);
    } else {
      static const ReadJson kNothing;
      good_ &= from_fact(here ? *found : kNothing, value, pool_);
    }
  }
  void text(std::string_view name, TextRef& ref) {
    std::string text;
    (*this)(name, text);
    ref = pool_->add(text);
  }
  bool good() const { return good_; }

 private:
  const ReadJson& json_;
  TextPool* pool_;
  bool good_ = true;
};

// The reading of what is absent, a null, gives what is zero or empty.
template <typename T>
bool from_fact(const ReadJson& json, T& value, TextPool* pool) {
  const bool absent = json.is_null();
  if constexpr (std::is_same_v<T, std::string>) {
    value.clear();
    return absent || text_of_json(json, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    value = json.is_boolean() && json.template get<bool>();
    return absent || json.is_boolean();
  } else if constexpr (std::is_same_v<T, Kind>) {
    const auto kind = json.is_string() ? kind_named(json.template get_ref<const std::string&>())
                                       : std::optional<Kind>();
    value = kind.value_or(Kind::kUnknown);
    return absent || kind.has_value();
  } else if constexpr (std::is_same_v<T, RunState>) {
    std::string text;
    const bool good = absent || (text_of_json(json, text) && text.size() <= 1);
    value = text.empty() ? RunState{} : RunState{text.front()};
    return good;
  } else if constexpr (std::is_same_v<T, BuildId>) {
    std::vector<std::byte> bytes;
    const bool good = absent || bytes_of_json(json, BuildId::kCapacity, bytes);
    value = BuildId(bytes);
    return good;
  } else if constexpr (kIsBytes<T>) {
    std::vector<std::byte> bytes;
    const bool good = absent || bytes_of_json(json, value.size(), bytes);
    value.fill(0);
    if (good) std::ranges::copy(bytes, std::as_writable_bytes(std::span(value)).begin());
    return good;
  } else if constexpr (IsArray<T>::value) {
    value = {};
    if (absent) return true;
    if (!json.is_array() || json.size() > value.size()) return false;
    bool good = true;
    for (std::size_t i = 0; i < json.size(); ++i) good &= from_fact(json[i], value[i], pool);
    return good;
  } else if constexpr (IsVector<T>::value) {
    value.clear();
    if (absent) return true;
    if (!json.is_array()) return false;
    bool good = true;
    value.resize(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) good &= from_fact(json[i], value[i], pool);
    return good;
  } else if constexpr (IsMap<T>::value) {
    value.clear();
    if (absent) return true;
    if (!json.is_array()) return false;
    for (const ReadJson& one : json) {
      typename T::key_type key{};
      if (!one.is_array() || one.size() != 2 || !from_fact(one[0], key, pool)) return false;
      if (!from_fact(one[1], value[key], pool)) return false;
    }
    return true;
  } else if constexpr (IsVariant<T>::value) {
    if (!json.is_object()) return false;
    return [&]<typename... One>(std::variant<One...>& made) {
      return ([&] {
        const auto found = json.find(std::string(kAlternative<One>));
        return found != json.end() && from_fact(*found, made.template emplace<One>(), pool);
      }() || ...);
    }(value);
  } else if constexpr (Structured<T>) {
    if (!absent && !json.is_object()) return false;
    static const ReadJson kEmpty = ReadJson::object();
    FactReader reader(absent ? kEmpty : json, pool);
    Fields<T>::list(reader, value);
    return reader.good();
  } else {
    if (absent) return from_integer(0, value);
    const bool fits = json.is_number_integer() &&
                      !(json.is_number_unsigned() &&
                        json.template get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX));
    return fits && from_integer(json.template get<std::int64_t>(), value);
  }
}

}  // namespace plumb::detect
