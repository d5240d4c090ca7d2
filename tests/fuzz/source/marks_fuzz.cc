// SPDX-License-Identifier: Apache-2.0
// Any bytes as a datagram of a mark, as the table of sockets and as the journal's entries.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "detect/source/journal_marks.h"
#include "detect/source/mark_socket.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb;
  using namespace plumb::detect;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const BootTime now(std::chrono::hours(1));
  if (const auto mark = decode_mark(bytes, now)) {
    if (mark->time > now || mark->name.empty() || mark->name.size() > kLongestName) std::abort();
    // What was taken can be sent on and is the same mark then.
    const auto again = decode_mark(encode_mark(*mark), now);
    if (!again || again->name != mark->name || again->time != mark->time) std::abort();
  }
  (void)mark_listeners(bytes);
  (void)parse_journal(bytes, std::chrono::hours(-1));
  return 0;
}
