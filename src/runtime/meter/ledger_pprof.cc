// SPDX-License-Identifier: Apache-2.0
// A ledger as a profile of pprof: github.com/google/pprof, proto/profile.proto, whose names and
// numbers of fields stand here. Written by hand, as a profile of one frame a sample needs four
// kinds of message and no library.
#include <map>
#include <string>
#include <string_view>

#include "ledger_groups.h"

namespace plumb::runtime {
namespace {

// A message under construction (protobuf.dev/programming-guides/encoding).
class Message {
 public:
  void number(unsigned field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
  }
  void bytes(unsigned field, std::string_view content) {
    varint(field << 3 | 2);
    varint(content.size());
    text_ += content;
  }
  void message(unsigned field, const Message& content) { bytes(field, content.text_); }
  std::string take() { return std::move(text_); }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

class Strings {
 public:
  std::uint64_t index(std::string_view text) {
    const auto found = numbers_.find(text);
    if (found != numbers_.end()) return found->second;
    order_.emplace_back(text);
    numbers_.emplace(text, order_.size() - 1);
    return order_.size() - 1;
  }
  const std::vector<std::string>& all() const noexcept { return order_; }

 private:
  std::vector<std::string> order_{""};  // "string_table[0] must always be """
  std::map<std::string, std::uint64_t, std::less<>> numbers_{{"", 0}};
};

Message value_type(Strings& strings, std::string_view type, std::string_view unit) {
  Message message;
  message.number(1, strings.index(type));
  message.number(2, strings.index(unit));
  return message;
}

Message label(Strings& strings, std::string_view key, std::string_view value) {
  Message message;
  message.number(1, strings.index(key));
  message.number(2, strings.index(value));
  return message;
}

std::uint64_t whole_seconds(Holding::Clock::duration age) {
  return static_cast<std::uint64_t>(std::chrono::round<std::chrono::seconds>(age).count());
}

}  // namespace

std::string ledger_pprof(const std::vector<LedgerRow>& rows) {
  Strings strings;
  Message profile;
  profile.message(1, value_type(strings, "holdings", "count"));
  profile.message(1, value_type(strings, "age", "seconds"));
  std::uint64_t id = 0;  // of a group: of its function and of its location
  for (const auto& group : groups_of(rows)) {
    const auto& held = group.example->holding;
    ++id;
    Message sample;
    sample.number(1, id);  // location_id
    sample.number(2, group.count);
    sample.number(2, whole_seconds(group.total));
    sample.message(3, label(strings, "kind", held.kind));
    sample.message(3, label(strings, "shelf", group.example->shelf));
    profile.message(2, sample);
    Message line;
    line.number(1, id);  // function_id
    line.number(2, held.site.line());
    Message location;
    location.number(1, id);
    location.message(4, line);
    profile.message(4, location);
    Message function;
    function.number(1, id);
    function.number(2, strings.index(held.site.function_name()));
    function.number(4, strings.index(held.site.file_name()));
    profile.message(5, function);
  }
  for (const auto& text : strings.all()) profile.bytes(6, text);
  return profile.take();
}

}  // namespace plumb::runtime
