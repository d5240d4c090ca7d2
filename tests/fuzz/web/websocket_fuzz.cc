// SPDX-License-Identifier: Apache-2.0
// Any bytes, in any pieces, to the WebSocket reader: the pieces change nothing, no message exceeds
// the bound, text is UTF-8, and what was read can be written and is read the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/http/websocket.h"

namespace {

using namespace plumb::http;

constexpr std::uint64_t kMost = 256;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Happening {
  WsReader::Event event;
  WsOpcode opcode;
  std::string payload;
  friend bool operator==(const Happening&, const Happening&) = default;
};

std::vector<Happening> read(WsRole role, std::string_view input, std::size_t piece) {
  WsReader reader(role, kMost);
  std::vector<Happening> happenings;
  std::string held;
  while (!input.empty()) {
    held += input.substr(0, piece);
    input.remove_prefix(std::min(piece, input.size()));
    for (;;) {
      const auto step = reader.next(held);
      require(step.consumed <= held.size());
      held.erase(0, step.consumed);
      if (step.event == WsReader::Event::kNeedMore) break;
      const bool fault = step.event == WsReader::Event::kFault;
      const bool message = step.event == WsReader::Event::kMessage;
      happenings.push_back(
          {step.event, message ? reader.opcode() : WsOpcode::kContinuation,
           fault ? std::string(name(reader.fault())) : std::string(reader.payload())});
      require(fault || reader.payload().size() <= (message ? kMost : 125));
      if (message && reader.opcode() == WsOpcode::kText) {
        Utf8Check check;
        require(check.add(reader.payload()) && check.complete());
      }
      if (fault || step.event == WsReader::Event::kClose) return happenings;
    }
    require(held.size() < 14);  // a frame's head
  }
  return happenings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto role = (data[0] & 1) == 0 ? WsRole::kServer : WsRole::kClient;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto whole = read(role, input, input.size() + 1);
  require(whole == read(role, input, 1));
  require(whole == read(role, input, 1 + data[1] % 32U));
  std::string wire;
  std::vector<Happening> messages;
  for (const auto& happening : whole) {
    if (happening.event != WsReader::Event::kMessage) continue;
    messages.push_back(happening);
    append_frame(wire, happening.opcode, happening.payload,
                 role == WsRole::kServer ? std::optional(std::array<char, 4>{'p', 'l', 'u', 'm'})
                                         : std::nullopt);
  }
  require(read(role, wire, 7) == messages);
  return 0;
}
