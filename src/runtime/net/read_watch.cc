// SPDX-License-Identifier: Apache-2.0
// A watch is one more reader of the descriptor.
#include "plumb/net/read_watch.h"

#include "plumb/net/network.h"
#include "stream_core.h"

namespace plumb::runtime {

void ReadWatch::watch(Stream& stream) noexcept {
  unlink();
  renew();
  Descriptor& descriptor = stream.core().descriptor();
  if (!descriptor.open() || descriptor.ended()) {
    finish(stream.network().loop(), 0);  // no further edge would tell
  } else {
    descriptor.await(Direction::kRead, *this);
  }
}

}  // namespace plumb::runtime
