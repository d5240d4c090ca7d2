// SPDX-License-Identifier: Apache-2.0
// Chunk sizes and chunk extensions. Extensions mean nothing to plumb, but what hides in them has
// desynchronised other pairs of recipients, so their grammar is held to.
#include "http/chunk_line.h"

#include <limits>

#include "http/scan.h"
#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A cursor over the line; each step says whether the line may go on.
class Cursor {
 public:
  explicit Cursor(std::string_view input)
      : begin_(input.data()), at_(begin_), end_(begin_ + input.size()) {}

  bool done() const { return at_ == end_; }
  char here() const { return *at_; }
  void step() { ++at_; }
  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  void skip_blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
  }
  bool skip_token() {
    const char* const from = at_;
    at_ = scan::token_end(at_, end_);
    return at_ != from;
  }

 private:
  const char* begin_;
  const char* at_;
  const char* end_;
};

enum class Part : std::uint8_t { kGood, kMore, kBad };

// The rest of a quoted string, behind its opening quote.
Part skip_quoted(Cursor& cursor) {
  for (; !cursor.done(); cursor.step()) {
    const char c = cursor.here();
    if (c == '"') {
      cursor.step();
      return Part::kGood;
    }
    if (c == '\\') {
      cursor.step();
      if (cursor.done()) return Part::kMore;
    }
    if (!scan::is_value_byte(static_cast<unsigned char>(cursor.here()))) return Part::kBad;
  }
  return Part::kMore;
}

// One extension, behind its ';'.
Part skip_extension(Cursor& cursor) {
  cursor.skip_blanks();
  const bool named = cursor.skip_token();
  if (cursor.done()) return Part::kMore;
  if (!named) return Part::kBad;
  cursor.skip_blanks();
  if (cursor.done()) return Part::kMore;
  if (cursor.here() != '=') return Part::kGood;
  cursor.step();
  cursor.skip_blanks();
  if (cursor.done()) return Part::kMore;
  if (cursor.here() == '"') {
    cursor.step();
    return skip_quoted(cursor);
  }
  const bool valued = cursor.skip_token();
  if (cursor.done()) return Part::kMore;
  return valued ? Part::kGood : Part::kBad;
}

ChunkLine bad(Fault fault) {
  return {ChunkLine::Got::kFault, fault, 0, 0};
}

// What stands where an extension cannot go on.
ChunkLine bad_at(const Cursor& cursor, Fault otherwise) {
  return bad(cursor.here() == '\n' ? Fault::kBareLf : otherwise);
}

}  // namespace

ChunkLine read_chunk_line(std::string_view input) noexcept {
  Cursor cursor(input);
  std::uint64_t size = 0;
  bool any = false;
  for (; !cursor.done(); cursor.step(), any = true) {
    const int digit = hex_digit(cursor.here());
    if (digit < 0) break;
    if (size > kLargest >> 4) return bad(Fault::kChunkSizeOverflow);
    size = size << 4 | static_cast<unsigned>(digit);
  }
  if (cursor.done()) return {};
  if (!any) return bad_at(cursor, Fault::kBadChunkSize);

  Fault otherwise = Fault::kBadChunkSize;
  for (;;) {
    // RFC 9110 section 5.6.3: "bad whitespace" is parsed, but only where an extension follows it.
    const std::size_t before = cursor.offset();
    cursor.skip_blanks();
    if (cursor.done()) return {};
    if (cursor.here() == ';') {
      cursor.step();
      otherwise = Fault::kBadChunkExtension;
      const Part part = skip_extension(cursor);
      if (part == Part::kMore) return {};
      if (part == Part::kBad) return bad_at(cursor, otherwise);
      continue;
    }
    if (cursor.here() == '\n') return bad(Fault::kBareLf);
    if (cursor.here() != '\r' || cursor.offset() != before) return bad(otherwise);
    cursor.step();
    if (cursor.done()) return {};
    if (cursor.here() != '\n') return bad(Fault::kBareCr);
    return {ChunkLine::Got::kLine, otherwise, size, cursor.offset() + 1};
  }
}

}  // namespace plumb::http
