// SPDX-License-Identifier: Apache-2.0
// Everything that can be wrong with an HTTP/1.1 message, one name each.
//
// The strict parsers stop at the first fault, in the order of the bytes, and the connection must
// then be closed. The observer goes on and lists the faults that it saw. docs/http-verdicts.md says
// for each ambiguous input which of these it meets; a test holds that table to the code.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace plumb::http {

enum class Fault : std::uint8_t {
  // lines (RFC 9112 section 2.2)
  kBareLf,
  kBareCr,
  // start line (sections 3 and 4)
  kBadStartLine,
  kBadMethod,
  kBadTarget,
  kBadVersion,
  kUnsupportedVersion,
  kBadStatus,
  kBadReason,
  // fields (section 5)
  kSpaceBeforeFields,
  kObsFold,
  kBadFieldName,
  kSpaceBeforeColon,
  kMissingColon,
  kBadFieldValue,
  kMissingHost,
  kDuplicateHost,
  kBadHost,
  // framing (section 6)
  kBadContentLength,
  kContentLengthOverflow,
  kRepeatedContentLength,
  kConflictingContentLength,
  kLengthAndTransferEncoding,
  kEmptyTransferEncoding,
  kUnknownTransferCoding,
  kChunkedNotLast,
  kChunkedTwice,
  kTransferEncodingIn10,
  kBodyInConnect,
  kUnframedResponse,
  // chunks and trailers (section 7.1)
  kBadChunkSize,
  kChunkSizeOverflow,
  kBadChunkExtension,
  kBadChunkEnd,
  kForbiddenTrailer,
  // limits (plumb/http/limits.h)
  kStartLineTooLong,
  kFieldLineTooLong,
  kTooManyFields,
  kHeadTooLarge,
  kChunkLineTooLong,
  kTrailerTooLarge,
  kBodyTooLarge,
  kTooManyInterim,
  // the connection (sections 8 and 9)
  kTruncatedHead,
  kTruncatedBody,
  kDataAfterClose,
  kUnsolicitedResponse,
  kUnaskedSwitch,
  // only the observer: bytes passed that it was not given
  kGapInHead,
  kGapInChunks,
};

struct FaultText {
  Fault fault;
  std::string_view name;     // "bare-lf": stable, for logs, JSON and the table of verdicts
  std::string_view meaning;  // what was found, one sentence
  std::string_view advice;   // what the caller should do, one sentence
  int status;                // what a server answers before it closes; 0: nothing can be answered
};

// The whole table, in the order of the enumeration.
std::span<const FaultText> all_faults() noexcept;
const FaultText& describe(Fault fault) noexcept;
std::string_view name(Fault fault) noexcept;
std::optional<Fault> fault_named(std::string_view name) noexcept;

}  // namespace plumb::http
