// SPDX-License-Identifier: Apache-2.0
// The document of `plumb http`: exchanges with the state of their framing, as a table, as records,
// and as an HTTP archive. Everything in it was captured, hence hostile: all writers escape.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "detect/model/exchange_ledger.h"
#include "detect/model/secrets.h"
#include "detect/record/capture.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

struct HttpDocument {
  const ExchangeLedger& ledger;
  std::vector<Exchange> exchanges;  // oldest first
  CaptureLosses losses;
  Secrets secrets = Secrets::kMask;
  std::chrono::nanoseconds duration{};  // of the capture
  BootTime now{};
  std::chrono::nanoseconds wall{};    // what to add to a BootTime for the time since 1970
  std::vector<std::string> blinds{};  // what could not be seen, sentences
};

// Whether something is wrong with it that somebody should act upon: what hangs without an end, or
// was cut. One that is merely under way is not.
bool is_stuck(const HttpDocument& document, const Exchange& exchange);

// One line an exchange, and below it why it does not end, or what a proxy took away.
void write_http_heading(const Paper& paper, const Sink& sink);
void write_http_rows(const HttpDocument& document, const Paper& paper, const Sink& sink);
// Counts, what was lost, who speaks HTTP/2.
void write_http_summary(const HttpDocument& document, const Paper& paper, const Sink& sink);

// "exchange" records, oldest first.
void write_exchanges_json(const HttpDocument& document, const Sink& sink);
// A "connection" record for each connection, and the "capture" record, the last line.
void write_capture_json(const HttpDocument& document, const Sink& sink);

// HAR 1.2 (softwareishard.com/blog/har-12-spec), without contents, which are not captured.
void write_http_har(const HttpDocument& document, const Sink& sink);

// "waits for 26 more bytes of 5,120", "until close, while the connection is kept". Clean text.
std::string state_text(const Exchange& exchange);

}  // namespace plumb::detect
