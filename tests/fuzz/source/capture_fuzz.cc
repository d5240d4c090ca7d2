// SPDX-License-Identifier: Apache-2.0
// Any records of a capture, through the ledger of exchanges and the matching of legs.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "detect/model/exchange_ledger.h"
#include "detect/model/exchange_legs.h"
#include "detect/model/secrets.h"
#include "detect/source/bpf/capture_abi.h"
#include "detect/source/capture_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  ExchangeLedger ledger({.connections = 8, .finished = 64});
  // Each record is as long as its header says, as far as there are bytes.
  while (size >= sizeof(capture_event)) {
    capture_event event;
    std::memcpy(&event, data, sizeof event);
    const std::uint64_t wanted = sizeof event + std::uint64_t{event.front} + event.tail;
    const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size));
    if (auto piece = decode_capture(std::as_bytes(std::span(data, length)))) {
      ledger.add(*std::move(piece));
    }
    data += length;
    size -= length;
  }
  ledger.settle_all();
  auto all = ledger.take_finished();
  for (Exchange& open : ledger.under_way([](SocketInode) { return SocketStanding{}; })) {
    all.push_back(std::move(open));
  }
  match_legs(ledger, all);
  for (const Exchange& exchange : all) {
    if (!exchange.http.request) continue;
    masked_target(exchange.http.request->target, Secrets::kMask);
    for (const auto& field : exchange.http.request->fields) {
      masked_value(field.name, field.value, Secrets::kMask);
    }
  }
  return 0;
}
