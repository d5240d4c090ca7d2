// SPDX-License-Identifier: Apache-2.0
// Reading V8's objects from outside.
#include "detect/symbol/v8_heap.h"

#include "detect/symbol/utf8.h"

namespace plumb::detect {
namespace {

constexpr int kDeepest = 8;                       // strings made of strings
constexpr std::uint32_t kLongest = 1U << 30U;     // V8's own bound of a string is 2^29
constexpr std::uint32_t kExternalData = 8;        // behind the resource
constexpr std::uint16_t kWithoutData = 1U << 4U;  // of an external string's type: uncached

}  // namespace

std::optional<std::int32_t> V8Heap::small_integer(std::uint64_t word) noexcept {
  if ((word & 0xffffffffU) != 0) return std::nullopt;
  return static_cast<std::int32_t>(word >> 32U);
}

std::optional<std::uint64_t> V8Heap::word(std::uint64_t tagged, std::uint32_t offset) const {
  if (!is_pointer(tagged)) return std::nullopt;
  std::uint64_t value = 0;
  const auto into = std::as_writable_bytes(std::span(&value, 1));
  if (read(Address{tagged - 1} + offset, into) != into.size()) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> V8Heap::half(std::uint64_t tagged, std::uint32_t offset) const {
  if (!is_pointer(tagged)) return std::nullopt;
  std::uint32_t value = 0;
  const auto into = std::as_writable_bytes(std::span(&value, 1));
  if (read(Address{tagged - 1} + offset, into) != into.size()) return std::nullopt;
  return value;
}

std::vector<std::uint64_t> V8Heap::words(std::uint64_t tagged, std::uint32_t offset,
                                         std::size_t count) const {
  if (!is_pointer(tagged)) return {};
  std::vector<std::uint64_t> found(count);
  const auto got = read(Address{tagged - 1} + offset, std::as_writable_bytes(std::span(found)));
  found.resize(got / sizeof(std::uint64_t));
  return found;
}

std::optional<std::uint16_t> V8Heap::type(std::uint64_t tagged) const {
  const auto map = word(tagged, layout_.frame.object_map);
  if (!map) return std::nullopt;
  const auto found = half(*map, layout_.frame.map_type);
  if (!found) return std::nullopt;
  return static_cast<std::uint16_t>(*found & 0xffffU);
}

bool V8Heap::is_string(std::uint64_t tagged) const {
  const auto found = type(tagged);
  return found && *found < layout_.first_no_string;
}

std::optional<V8Heap::Characters> V8Heap::characters(std::uint64_t tagged) const {
  std::optional<std::uint32_t> length;
  std::uint64_t skipped = 0;
  for (int depth = 0; depth < kDeepest; ++depth) {
    const auto kind = type(tagged);
    if (!kind || *kind >= layout_.first_no_string) return std::nullopt;
    const auto own = half(tagged, layout_.string_length);
    if (!own || *own > kLongest) return std::nullopt;
    if (!length) length = *own;
    if (skipped + *length > *own) return std::nullopt;
    const bool wide = (*kind & layout_.one_byte_mask) != layout_.one_byte;
    const auto shape = static_cast<std::uint16_t>(*kind & layout_.shape_mask);
    std::optional<std::uint64_t> next;
    if (shape == layout_.shape_seq || shape == layout_.shape_external) {
      Address at = Address{tagged - 1} + (wide ? layout_.two_byte_chars : layout_.one_byte_chars);
      if (shape == layout_.shape_external) {
        const auto data = (*kind & kWithoutData) == 0
                              ? word(tagged, layout_.external_resource + kExternalData)
                              : std::nullopt;
        if (!data) return std::nullopt;
        at = Address{*data};
      }
      return Characters{at + (wide ? 2 * skipped : skipped), *length, wide};
    }
    if (shape == layout_.shape_thin) {
      next = word(tagged, layout_.thin_actual);
    } else if (shape == layout_.shape_sliced) {
      const auto offset = small_integer(word(tagged, layout_.sliced_offset).value_or(1));
      if (!offset || *offset < 0) return std::nullopt;
      skipped += static_cast<std::uint32_t>(*offset);
      next = word(tagged, layout_.sliced_parent);
    } else if (shape == layout_.shape_cons) {
      // Flattened: all is in the first part.
      const auto second = word(tagged, layout_.cons_second);
      if (!second || !is_string(*second) || half(*second, layout_.string_length) != 0U) {
        return std::nullopt;
      }
      next = word(tagged, layout_.cons_first);
    }
    if (!next) return std::nullopt;
    tagged = *next;
  }
  return std::nullopt;
}

std::optional<char16_t> V8Heap::character(const Characters& of, std::uint32_t index) const {
  if (index >= of.length) return std::nullopt;
  std::uint16_t value = 0;
  const auto into = std::as_writable_bytes(std::span(&value, 1)).first(of.wide ? 2 : 1);
  if (read(of.at + (of.wide ? 2ULL * index : index), into) != into.size()) return std::nullopt;
  return static_cast<char16_t>(value);
}

std::optional<std::string> V8Heap::text(std::uint64_t tagged, int depth) const {
  const auto found = characters(tagged);
  if (!found) {
    const auto kind = type(tagged);
    if (depth == kDeepest || !kind || *kind >= layout_.first_no_string ||
        (*kind & layout_.shape_mask) != layout_.shape_cons) {
      return std::nullopt;
    }
    auto first = text(word(tagged, layout_.cons_first).value_or(0), depth + 1);
    const auto second = text(word(tagged, layout_.cons_second).value_or(0), depth + 1);
    if (!first || !second || first->size() + second->size() > 4 * kLongestText) return std::nullopt;
    return *first + *second;
  }
  if (found->length > kLongestText) return std::nullopt;
  std::vector<std::byte> bytes(std::size_t{found->length} * (found->wide ? 2 : 1));
  if (read(found->at, bytes) != bytes.size()) return std::nullopt;
  std::string decoded;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint32_t point = std::to_integer<std::uint32_t>(bytes[at++]);
    if (found->wide) point |= std::to_integer<std::uint32_t>(bytes[at++]) << 8U;
    // A pair of surrogates is one character.
    if (point >> 10U == 0x36 && at + 2 <= bytes.size()) {
      const auto low = std::to_integer<std::uint32_t>(bytes[at]) |
                       std::to_integer<std::uint32_t>(bytes[at + 1]) << 8U;
      if (low >> 10U == 0x37) {
        point = 0x10000 + ((point & 0x3ffU) << 10U) + (low & 0x3ffU);
        at += 2;
      }
    }
    if (!append_utf8(point, decoded)) decoded += '?';
  }
  return decoded;
}

}  // namespace plumb::detect
