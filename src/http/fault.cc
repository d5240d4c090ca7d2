// SPDX-License-Identifier: Apache-2.0
// The name, meaning, advice and answer of each fault.
#include "plumb/http/fault.h"

#include <array>

namespace plumb::http {
namespace {

constexpr std::string_view kAnswerAndClose =
    "Answer 400 and close: the sender or something between you reads the message differently.";
constexpr std::string_view kClose = "Close the connection and use nothing of this message.";

constexpr std::array kFaults = {
    FaultText{Fault::kBareLf, "bare-lf", "A line ends in LF without CR before it.", kAnswerAndClose,
              400},
    FaultText{Fault::kBareCr, "bare-cr", "A CR stands without LF behind it.", kAnswerAndClose, 400},
    FaultText{Fault::kBadStartLine, "bad-start-line",
              "The first line does not have its three parts with one blank between them.",
              "Answer 400 and close; this may be HTTP/0.9, TLS or another protocol.", 400},
    FaultText{Fault::kBadMethod, "bad-method", "The method is not a token.",
              "Answer 400 and close; this may be TLS or another protocol.", 400},
    FaultText{Fault::kBadTarget, "bad-target",
              "The request target has a byte that a URI cannot have, or a form that the method "
              "does not allow.",
              "Answer 400 and close; do not repair the target.", 400},
    FaultText{Fault::kBadVersion, "bad-version", "The version is not HTTP/ with two digits.",
              "Answer 400 and close.", 400},
    FaultText{Fault::kUnsupportedVersion, "unsupported-version",
              "The major version of the message is not 1.", "Answer 505 and close.", 505},
    FaultText{Fault::kBadStatus, "bad-status", "The status is not three digits from 100 up.",
              kClose, 0},
    FaultText{Fault::kBadReason, "bad-reason", "The reason phrase has a control byte.", kClose, 0},
    FaultText{Fault::kSpaceBeforeFields, "space-before-fields",
              "The first field line begins with a blank.", kAnswerAndClose, 400},
    FaultText{Fault::kObsFold, "obs-fold",
              "A field value goes on in a line that begins with a blank.", kAnswerAndClose, 400},
    FaultText{Fault::kBadFieldName, "bad-field-name", "A field name is empty or not a token.",
              kAnswerAndClose, 400},
    FaultText{Fault::kSpaceBeforeColon, "space-before-colon",
              "A blank stands between a field name and its colon.", kAnswerAndClose, 400},
    FaultText{Fault::kMissingColon, "missing-colon", "A field line has no colon.", kAnswerAndClose,
              400},
    FaultText{Fault::kBadFieldValue, "bad-field-value", "A field value has a control byte.",
              kAnswerAndClose, 400},
    FaultText{Fault::kMissingHost, "missing-host", "An HTTP/1.1 request has no Host.",
              "Answer 400 and close.", 400},
    FaultText{Fault::kDuplicateHost, "duplicate-host", "A request has more than one Host.",
              kAnswerAndClose, 400},
    FaultText{Fault::kBadHost, "bad-host", "The value of Host is not a host with an optional port.",
              kAnswerAndClose, 400},
    FaultText{Fault::kBadContentLength, "bad-content-length",
              "Content-Length is not a decimal number.", kAnswerAndClose, 400},
    FaultText{Fault::kContentLengthOverflow, "content-length-overflow",
              "Content-Length does not fit into 63 bits.", "Answer 413 and close.", 413},
    FaultText{Fault::kRepeatedContentLength, "repeated-content-length",
              "Content-Length is given more than once, with equal values.", kAnswerAndClose, 400},
    FaultText{Fault::kConflictingContentLength, "conflicting-content-length",
              "Content-Length is given more than once, with different values.", kAnswerAndClose,
              400},
    FaultText{Fault::kLengthAndTransferEncoding, "length-and-transfer-encoding",
              "The message has both Content-Length and Transfer-Encoding.", kAnswerAndClose, 400},
    FaultText{Fault::kEmptyTransferEncoding, "empty-transfer-encoding",
              "Transfer-Encoding names no coding.", kAnswerAndClose, 400},
    FaultText{Fault::kUnknownTransferCoding, "unknown-transfer-coding",
              "Transfer-Encoding names a coding other than chunked.", "Answer 501 and close.", 501},
    FaultText{Fault::kChunkedNotLast, "chunked-not-last",
              "Transfer-Encoding names chunked, but another coding after it.", kAnswerAndClose,
              400},
    FaultText{Fault::kChunkedTwice, "chunked-twice",
              "Transfer-Encoding names chunked more than once.", kAnswerAndClose, 400},
    FaultText{Fault::kTransferEncodingIn10, "transfer-encoding-in-1.0",
              "A message of HTTP/1.0 has Transfer-Encoding.", kAnswerAndClose, 400},
    FaultText{Fault::kBodyInConnect, "body-in-connect",
              "A CONNECT request announces a body, which it cannot have.", kAnswerAndClose, 400},
    FaultText{
        Fault::kUnframedResponse, "unframed-response",
        "A response has no length, is not chunked, and its sender did not announce to close.",
        "Set a deadline, and read until the connection closes; its sender should have framed it.",
        0},
    FaultText{
        Fault::kBadChunkSize, "bad-chunk-size",
        "A chunk line does not begin with a hexadecimal number and then end or go on with ';'.",
        kAnswerAndClose, 400},
    FaultText{Fault::kChunkSizeOverflow, "chunk-size-overflow",
              "A chunk size does not fit into 63 bits.", kAnswerAndClose, 400},
    FaultText{Fault::kBadChunkExtension, "bad-chunk-extension",
              "A chunk extension is not a name with an optional token or quoted value.",
              kAnswerAndClose, 400},
    FaultText{Fault::kBadChunkEnd, "bad-chunk-end", "The data of a chunk does not end in CRLF.",
              kAnswerAndClose, 400},
    FaultText{Fault::kForbiddenTrailer, "forbidden-trailer",
              "A trailer has a field that frames or routes the message.", kAnswerAndClose, 400},
    FaultText{Fault::kStartLineTooLong, "start-line-too-long",
              "The first line is longer than Limits::start_line.",
              "Answer 414 and close, or raise the limit.", 414},
    FaultText{Fault::kFieldLineTooLong, "field-line-too-long",
              "A field line is longer than Limits::field_line.",
              "Answer 431 and close, or raise the limit.", 431},
    FaultText{Fault::kTooManyFields, "too-many-fields",
              "The head or the trailer has more fields than Limits::fields.",
              "Answer 431 and close, or raise the limit.", 431},
    FaultText{Fault::kHeadTooLarge, "head-too-large", "The head is larger than Limits::head.",
              "Answer 431 and close, or raise the limit.", 431},
    FaultText{Fault::kChunkLineTooLong, "chunk-line-too-long",
              "A chunk line is longer than Limits::chunk_line.", "Answer 400 and close.", 400},
    FaultText{Fault::kTrailerTooLarge, "trailer-too-large",
              "The trailer section is larger than Limits::trailer.", "Answer 431 and close.", 431},
    FaultText{Fault::kBodyTooLarge, "body-too-large", "The body is larger than Limits::body.",
              "Answer 413 and close, or raise the limit.", 413},
    FaultText{Fault::kTooManyInterim, "too-many-interim",
              "More 1xx responses came than Limits::interim before the final one.",
              "Close the connection: the server makes no progress.", 0},
    FaultText{Fault::kTruncatedHead, "truncated-head", "The connection ended inside a head.",
              kClose, 0},
    FaultText{
        Fault::kTruncatedBody, "truncated-body", "The connection ended inside a body.",
        "Treat the body as incomplete; do not store it, and abort what you already passed on.", 0},
    FaultText{Fault::kDataAfterClose, "data-after-close",
              "Bytes follow a message that was announced as the connection's last.",
              "Ignore the bytes and close.", 0},
    FaultText{Fault::kUnsolicitedResponse, "unsolicited-response",
              "A response came that answers no request.",
              "Close the connection: what it says cannot be matched to a request.", 0},
    FaultText{Fault::kUnaskedSwitch, "unasked-switch",
              "A 101 answers a request that did not ask to switch protocols.", kClose, 0},
    FaultText{Fault::kGapInHead, "gap-in-head", "Bytes of a head were not captured.",
              "Capture more bytes of each write; the message is known in part only.", 0},
    FaultText{Fault::kGapInChunks, "gap-in-chunks",
              "Bytes were not captured among which a chunk ended.",
              "Capture more bytes of each write; the end of this body is a guess.", 0},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kFaults.size(); ++i) {
    if (static_cast<std::size_t>(kFaults[i].fault) != i) return false;
  }
  return kFaults.back().fault == Fault::kGapInChunks;
}
static_assert(in_order(), "one row for each fault, in the order of the enumeration");

}  // namespace

std::span<const FaultText> all_faults() noexcept {
  return kFaults;
}

const FaultText& describe(Fault fault) noexcept {
  return kFaults[static_cast<std::size_t>(fault)];
}

std::string_view name(Fault fault) noexcept {
  return describe(fault).name;
}

std::optional<Fault> fault_named(std::string_view name) noexcept {
  for (const FaultText& row : kFaults) {
    if (row.name == name) return row.fault;
  }
  return std::nullopt;
}

}  // namespace plumb::http
