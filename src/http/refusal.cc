// SPDX-License-Identifier: Apache-2.0
// The name and the advice of each refusal of the encoder.
#include <array>

#include "plumb/http/encoder.h"

namespace plumb::http {
namespace {

struct Row {
  Refusal refusal;
  std::string_view name;
  std::string_view advice;
};

constexpr std::array kRows = {
    Row{Refusal::kFramingField, "framing-field",
        "Leave the field out: the encoder writes Content-Length, Transfer-Encoding, Connection, "
        "Keep-Alive, "
        "Proxy-Connection, Upgrade, TE and a request's Host from the plan."},
    Row{Refusal::kBadMethod, "bad-method", "Give a token, such as GET."},
    Row{Refusal::kBadTarget, "bad-target",
        "Percent-encode blanks, control bytes and '#', and use the form that the method allows."},
    Row{Refusal::kBadHost, "bad-host", "Give a host with an optional port."},
    Row{Refusal::kBadStatus, "bad-status",
        "Give a status from 100 to 999; 101 needs the name of the protocol that follows."},
    Row{Refusal::kInterimTo10, "interim-to-1.0",
        "Send no 1xx to a client of HTTP/1.0: it would take it for the answer."},
    Row{Refusal::kBadReason, "bad-reason", "Give a reason without control bytes, or none."},
    Row{Refusal::kBadFieldName, "bad-field-name", "Give a name that is a token."},
    Row{Refusal::kBadFieldValue, "bad-field-value",
        "Remove CR, LF, NUL and other control bytes; do not pass on values that you did not "
        "check."},
    Row{Refusal::kBodyNotAllowed, "body-not-allowed",
        "Send no content with 1xx, 204, 205, 304, TRACE, CONNECT and the 2xx that answers "
        "CONNECT."},
    Row{Refusal::kLengthRequired, "length-required",
        "Collect the body first: a server of HTTP/1.0 understands no chunks."},
    Row{Refusal::kMoreThanPromised, "more-than-promised",
        "Close the connection: the content is longer than the head said."},
    Row{Refusal::kLessThanPromised, "less-than-promised",
        "Close the connection: the content is shorter than the head said."},
    Row{Refusal::kTrailerNotCarried, "trailer-not-carried",
        "Leave the trailers out: only a chunked body can have them."},
    Row{Refusal::kAlreadyEnded, "already-ended", "Call end() once, after the last content."},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].refusal) != i) return false;
  }
  return kRows.back().refusal == Refusal::kAlreadyEnded;
}
static_assert(in_order(), "one row for each refusal, in the order of the enumeration");

}  // namespace

std::string_view name(Refusal refusal) noexcept {
  return kRows[static_cast<std::size_t>(refusal)].name;
}

std::string_view advice(Refusal refusal) noexcept {
  return kRows[static_cast<std::size_t>(refusal)].advice;
}

}  // namespace plumb::http
