// SPDX-License-Identifier: Apache-2.0
// Parsing of /proc/PID/maps.
#include "detect/symbol/maps.h"

#include <sys/sysmacros.h>

#include <algorithm>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

// The kernel writes a newline in a name as \012 and nothing else (mangle_path with "\n").
std::string unescape(std::string_view name) {
  std::string text;
  text.reserve(name.size());
  while (!name.empty()) {
    if (name.starts_with("\\012")) {
      text += '\n';
      name.remove_prefix(4);
    } else {
      text += name.front();
      name.remove_prefix(1);
    }
  }
  return text;
}

}  // namespace

std::optional<Mapping> parse_mapping(std::string_view line) {
  std::string_view range = take_word(line);
  const std::string_view rights = take_word(line);
  const auto offset = parse_number<std::uint64_t>(take_word(line), 16);
  std::string_view device = take_word(line);
  const auto inode = parse_number<std::uint64_t>(take_word(line));
  const auto start = parse_number<std::uint64_t>(take_until(range, '-'), 16);
  const auto end = parse_number<std::uint64_t>(range, 16);
  const auto major_number = parse_number<unsigned>(take_until(device, ':'), 16);
  const auto minor_number = parse_number<unsigned>(device, 16);
  if (!start || !end || !offset || !inode || !major_number || !minor_number) return std::nullopt;
  if (*start >= *end || rights.size() != 4) return std::nullopt;

  Mapping mapping;
  mapping.start = Address{*start};
  mapping.end = Address{*end};
  mapping.file_offset = *offset;
  mapping.file = {makedev(*major_number, *minor_number), *inode};
  mapping.readable = rights[0] == 'r';
  mapping.executable = rights[2] == 'x';
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  if (line.ends_with(kDeleted)) {
    mapping.deleted = true;
    line.remove_suffix(kDeleted.size());
  }
  mapping.path = unescape(line);
  return mapping;
}

AddressSpace AddressSpace::parse(std::string_view maps) {
  AddressSpace space;
  while (!maps.empty()) {
    const std::string_view line = take_until(maps, '\n');
    auto mapping = parse_mapping(line);
    const bool in_order =
        mapping && (space.mappings_.empty() || mapping->start >= space.mappings_.back().end);
    if (!in_order || space.mappings_.size() == kMostMappings) {
      ++space.left_out_;
      continue;
    }
    space.mappings_.push_back(*std::move(mapping));
  }
  return space;
}

const Mapping* AddressSpace::find(Address address) const noexcept {
  auto it = std::upper_bound(mappings_.begin(), mappings_.end(), address,
                             [](Address at, const Mapping& mapping) { return at < mapping.start; });
  if (it == mappings_.begin()) return nullptr;
  --it;
  return address < it->end ? &*it : nullptr;
}

}  // namespace plumb::detect
