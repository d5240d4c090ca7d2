// SPDX-License-Identifier: Apache-2.0
// Telling the words of a ScopeInfo apart (V8, src/objects/scope-info.tq).
#include "detect/symbol/v8_scope.h"

#include <algorithm>
#include <span>
#include <vector>

namespace plumb::detect {
namespace {

constexpr std::uint32_t kHeader = 8;  // the map
constexpr std::uint32_t kMostLocals = 1U << 20U;
constexpr std::uint32_t kMostInlineLocals = 75;  // beyond, one word leads to their names
// Behind the locals: a module's count, a class's variable, name and slot, an inferred name.
constexpr std::size_t kMostBefore = 6;

struct Extent {
  std::size_t index = 0;  // of its first word
  std::uint32_t start = 0;
  std::uint32_t end = 0;
};

enum class Likeness : std::uint8_t { kNone, kArrow, kFunction };

bool begins_name(char16_t character) {
  return (character >= u'a' && character <= u'z') || (character >= u'A' && character <= u'Z') ||
         character == u'_' || character == u'$' || character >= 0x80;
}

// A function's source is from the bracket of its parameters to its last brace; an arrow's from its
// first parameter to the end of an expression; a class's own from its name or the word class.
Likeness likeness(const V8Heap& heap, const V8Heap::Characters& source, const Extent& extent) {
  if (extent.start == 0 && extent.end == source.length) return Likeness::kFunction;
  const auto first = heap.character(source, extent.start);
  const auto last = heap.character(source, extent.end - 1);
  if (!first || !last) return Likeness::kNone;
  if (*first == u'(' && *last == u'}') return Likeness::kFunction;
  return *first == u'(' || begins_name(*first) ? Likeness::kArrow : Likeness::kNone;
}

std::optional<Extent> find_extent(const V8Heap& heap, const V8Heap::Characters& source,
                                  std::span<const std::uint64_t> words) {
  std::vector<Extent> functions;
  std::vector<Extent> arrows;
  for (std::size_t at = 0; at + 1 < words.size(); ++at) {
    // Behind the place comes the scope around it, or the next object's map.
    if (at + 2 < words.size() && !V8Heap::is_pointer(words[at + 2])) continue;
    const auto start = V8Heap::small_integer(words[at]);
    const auto end = V8Heap::small_integer(words[at + 1]);
    if (!start || !end || *start < 0 || *end <= *start ||
        static_cast<std::uint32_t>(*end) > source.length) {
      continue;
    }
    const Extent extent{at, static_cast<std::uint32_t>(*start), static_cast<std::uint32_t>(*end)};
    const Likeness like = likeness(heap, source, extent);
    if (like == Likeness::kFunction) functions.push_back(extent);
    if (like == Likeness::kArrow) arrows.push_back(extent);
  }
  const auto& found = functions.empty() ? arrows : functions;
  return found.size() == 1 ? std::optional(found.front()) : std::nullopt;
}

}  // namespace

std::optional<V8Scope> V8Scope::read(const V8Heap& heap, std::uint64_t scope,
                                     const std::optional<V8Heap::Characters>& source) {
  const V8Layout& layout = heap.layout();
  if (heap.type(scope) != layout.scope_type) return std::nullopt;
  const auto word_at = [](std::uint32_t index) { return kHeader + 8 * index; };
  const auto locals =
      V8Heap::small_integer(heap.word(scope, word_at(layout.scope_locals)).value_or(1));
  if (!locals || *locals < 0 || static_cast<std::uint32_t>(*locals) > kMostLocals) {
    return std::nullopt;
  }
  const auto count = static_cast<std::uint32_t>(*locals);
  const std::uint32_t behind =
      layout.scope_first + (count < kMostInlineLocals ? 2 * count : 1 + count);
  const auto words = heap.words(scope, word_at(behind), kMostBefore + 3);
  V8Scope found;
  const auto extent = source ? find_extent(heap, *source, words) : std::nullopt;
  if (extent) {
    found.start = extent->start;
    found.whole = extent->start == 0 && extent->end == source->length;
  }
  // The function's name, or else the one that V8 inferred, is the first string before the place.
  const std::size_t names = extent ? extent->index : std::min<std::size_t>(words.size(), 2);
  for (std::size_t at = 0; at < names && found.name.empty(); ++at) {
    if (auto name = heap.text(words[at])) found.name = *std::move(name);
  }
  return found;
}

}  // namespace plumb::detect
