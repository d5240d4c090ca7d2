// SPDX-License-Identifier: Apache-2.0
// One field line (RFC 9112 section 5): shared by heads and trailer sections, so that both are as
// strict.
#pragma once

#include <cstddef>
#include <cstdint>

#include "http/scan.h"
#include "plumb/http/fault.h"
#include "plumb/http/head.h"

namespace plumb::http {

struct FieldLine {
  enum class Got : std::uint8_t {
    kMore,   // the line does not end before `end`
    kField,  // `place` is filled
    kEmpty,  // the empty line: the section is over
    kFault,
  };
  Got got = Got::kMore;
  Fault fault = Fault::kBareLf;
  std::size_t next = 0;  // of the line behind this one
  FieldPlace place{};
};

// What stands at the end of a value or name, where something else than a byte of it was met.
[[gnu::noinline]] inline FieldLine line_end(const char* base, const char* at, const char* end,
                                            Fault otherwise) {
  if (at == end) return {};
  if (*at == '\n') return {FieldLine::Got::kFault, Fault::kBareLf, 0, {}};
  if (*at != '\r') return {FieldLine::Got::kFault, otherwise, 0, {}};
  if (at + 1 == end) return {};
  if (at[1] != '\n') return {FieldLine::Got::kFault, Fault::kBareCr, 0, {}};
  return {FieldLine::Got::kEmpty, otherwise, static_cast<std::size_t>(at - base) + 2, {}};
}

// Why a line does not go on with a colon behind its name.
[[gnu::noinline]] inline FieldLine no_colon(const char* base, const char* line, const char* at,
                                            const char* end) {
  const char* after = at;
  while (after != end && (*after == ' ' || *after == '\t')) ++after;
  if (after == end) return {};
  if (after != at && at != line && *after == ':') {
    return {FieldLine::Got::kFault, Fault::kSpaceBeforeColon, 0, {}};
  }
  FieldLine found = line_end(base, after, end, Fault::kBadFieldName);
  if (found.got == FieldLine::Got::kEmpty) {
    found.got = FieldLine::Got::kFault;
    found.fault = Fault::kMissingColon;
  }
  return found;
}

// Reads the line that begins at `from`; places count from `base`. `first` tells a blank at its
// start from a folded line. Inlined by order: a call for each line costs a tenth of the whole.
[[gnu::always_inline]] inline FieldLine read_field_line(const char* base, std::size_t from,
                                                        std::size_t to, bool first) {
  const char* const line = base + from;
  const char* const end = base + to;
  const char* at = scan::name_end(line, end);
  if (at == line || at == end || *at != ':') [[unlikely]] {
    if (at == end) return {};
    if (at == line && (*at == ' ' || *at == '\t')) {
      return {FieldLine::Got::kFault, first ? Fault::kSpaceBeforeFields : Fault::kObsFold, 0, {}};
    }
    if (at == line) return line_end(base, at, end, Fault::kBadFieldName);
    return no_colon(base, line, at, end);
  }
  const char* value = at + 1;
  while (value != end && (*value == ' ' || *value == '\t')) ++value;
  const char* stop = scan::value_end(value, end);
  if (end - stop < 2 || stop[0] != '\r' || stop[1] != '\n') [[unlikely]] {
    return line_end(base, stop, end, Fault::kBadFieldValue);
  }
  const char* last = stop;
  while (last != value && (last[-1] == ' ' || last[-1] == '\t')) --last;
  return {FieldLine::Got::kField, Fault::kBareLf, static_cast<std::size_t>(stop - base) + 2,
          FieldPlace{static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(at - line),
                     static_cast<std::uint32_t>(value - base),
                     static_cast<std::uint32_t>(last - value)}};
}

}  // namespace plumb::http
