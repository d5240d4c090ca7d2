// SPDX-License-Identifier: Apache-2.0
// reactor: the fourth mystery. It keeps the number of a duplicate of its listener and lets go of
// the objects that own the listener and the duplicate; a collector, in a thread of its own, finds
// that nothing refers to them any more and runs what stands in for Go's finalizers: it closes both.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "app/cast/cast.h"
#include "app/cast/wires.h"

namespace plumb::cast {

using namespace std::chrono_literals;

// An object that has a descriptor. Nobody closes it but the collector.
struct Object {
  int descriptor = -1;
};

class Collector {
 public:
  std::shared_ptr<Object> make(int descriptor) {
    const std::lock_guard lock(mutex_);
    auto made = std::make_shared<Object>(Object{descriptor});
    known_.push_back({made, descriptor});
    return made;
  }

  // Closes what nothing refers to any more.
  [[gnu::noinline]] void collect() {
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [](const Known& known) {
      if (!known.object.expired()) return false;
      finalize(known.descriptor);
      return true;
    });
  }

 private:
  struct Known {
    std::weak_ptr<Object> object;
    int descriptor = -1;
  };

  [[gnu::noinline]] static void finalize(int descriptor) { ::close(descriptor); }

  std::mutex mutex_;
  std::vector<Known> known_;
};

// The number of a descriptor that accepts connections. The objects that own it end here.
[[gnu::noinline]] int open_listener(Collector& collector) {
  const auto listener = collector.make(listen_here().release());
  const auto duplicate = collector.make(::fcntl(listener->descriptor, F_DUPFD_CLOEXEC, 0));
  return duplicate->descriptor;
}

int reactor(int, char**) {
  std::this_thread::sleep_for(4s);  // so that whoever looks sees it begin
  Collector collector;
  const int listener = open_listener(collector);
  announce(port_of(listener));
  const std::jthread collecting([&](const std::stop_token& stop) {
    ::prctl(PR_SET_NAME, "collector");
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(7s);
      collector.collect();
    }
  });
  std::vector<UniqueFd> served;
  for (;;) {
    UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (client) {
      served.push_back(std::move(client));
    } else {
      std::this_thread::sleep_for(5ms);
    }
  }
}

}  // namespace plumb::cast
