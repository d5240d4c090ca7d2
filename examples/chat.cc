// SPDX-License-Identifier: Apache-2.0
// A chat room on a unix socket: what one says, all others hear, a line at a time. A member who does
// not listen costs the room a bounded number of lines, and is then shown the door.
//
// usage: chat PATH      ends on SIGTERM; join with: nc -U PATH
#include <csignal>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "plumb/loop/event.h"
#include "plumb/loop/loop.h"
#include "plumb/loop/signals.h"
#include "plumb/net/frame_stream.h"
#include "plumb/net/network.h"

using namespace plumb;
using namespace plumb::runtime;

namespace {

constexpr std::size_t kMostUnheard = 1000;  // lines

// One connection. A task of its own writes what the others said, so that nobody waits for anybody.
class Member {
 public:
  Member(Loop& loop, Stream stream)
      : loop_(loop), frames_(std::move(stream), Delimited{.most = 1000}) {}

  // Takes a line for the member; false: he has too many already.
  bool tell(std::string line) {
    if (unheard_.size() == kMostUnheard) return false;
    unheard_.push_back(std::move(line));
    news_.set(loop_);
    return true;
  }

  // Sends what he is told until that fails or the task is cancelled.
  Task<> write() {
    for (;;) {
      while (!unheard_.empty()) {
        const std::string line = std::move(unheard_.front());
        unheard_.pop_front();
        if (!co_await frames_.send(bytes_of(line))) co_return;
      }
      news_.reset();
      if (!co_await news_.wait()) co_return;
    }
  }

  auto listen() { return frames_.receive(); }
  void dismiss() { frames_.stream().close(); }

 private:
  Loop& loop_;
  FrameStream<Delimited> frames_;
  std::deque<std::string> unheard_;
  Event news_;
};

class Room {
 public:
  explicit Room(Loop& loop) : loop_(loop) {}

  // A member's stay: ends when he leaves, is dismissed, or the room closes.
  Task<> host(Stream stream) {
    Member member(loop_, std::move(stream));
    members_.push_back(&member);
    const auto stay = [&](Scope& scope) -> Task<> {
      scope.start(member.write());
      for (;;) {
        const auto line = co_await member.listen();
        if (!line || !*line) co_return;
        say(member, std::string(text_of(**line)));
      }
    };
    co_await open_scope(Ending::kCancel, stay);
    std::erase(members_, &member);
  }

 private:
  void say(const Member& speaker, const std::string& line) {
    for (Member* member : members_) {
      if (member != &speaker && !member->tell(line)) member->dismiss();
    }
  }

  Loop& loop_;
  std::vector<Member*> members_;
};

Task<Result<void>> run(Loop& loop, Address address) {
  auto signals = Signals::block(loop, {SIGTERM, SIGINT});
  if (!signals) co_return std::move(signals).error();
  Network network(loop);
  auto listener = network.listen(address);
  if (!listener) co_return std::move(listener).error();
  std::printf("%s\n", (*listener)->local()->text().c_str());
  std::fflush(stdout);

  Room room(loop);
  const auto host = [&room](Stream stream) { return room.host(std::move(stream)); };
  const auto open = [&](Scope& scope) -> Task<Result<void>> {
    const auto serve = [&]() -> Task<> {
      [[maybe_unused]] const auto end = co_await (*listener)->serve(host);
    };
    scope.start(serve);
    const auto signal = co_await (*signals)->next();
    if (!signal) co_return std::move(signal).error();
    co_return Result<void>();
  };
  co_return co_await open_scope(Ending::kCancel, open);
}

int complain(const Error& error) {
  std::fprintf(stderr, "chat: %s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: chat PATH\n", stderr);
    return 2;
  }
  auto address = Address::unix_path(argv[1]);
  if (!address) return complain(address.error());
  auto loop = Loop::create();
  if (!loop) return complain(loop.error());
  const auto ended = (*loop)->run(run(**loop, *address));
  return ended ? 0 : complain(ended.error());
}
