// SPDX-License-Identifier: Apache-2.0
// Diseases of C++ programs and their healthy twins: `leaks DISEASE [healthy]`.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace shop {

// A cache that forgets what it opened when asked for the same thing again.
template <typename Key>
class Cache {
 public:
  explicit Cache(bool healthy) : healthy_(healthy) {}
  [[gnu::noipa]] void reload(const Key& key) {
    int& slot = open_.try_emplace(key, -1).first->second;
    if (healthy_ && slot >= 0) ::close(slot);
    slot = ::open(key.c_str(), O_RDONLY | O_CLOEXEC);
  }

 private:
  bool healthy_;
  std::map<Key, int> open_;
};

[[gnu::noipa]] void parse_order(int turn, bool healthy) {
  const int fd = ::open("/etc/hostname", O_RDONLY | O_CLOEXEC);
  try {
    if (turn % 3 == 0) throw std::invalid_argument("no order");
  } catch (const std::invalid_argument&) {
    if (healthy) ::close(fd);
    return;
  }
  ::close(fd);
}

[[gnu::noipa]] void wake_worker(bool healthy) {
  const int fd = ::eventfd(0, EFD_CLOEXEC);
  if (healthy) ::close(fd);
}

}  // namespace shop

int main(int count, char** words) {
  const std::vector<std::string> arguments(words, words + count);
  if (count < 2) return 2;
  const bool healthy = count > 2 && arguments[2] == "healthy";
  shop::Cache<std::string> cache(healthy);
  for (int turn = 0; turn < 900; ++turn) {
    if (arguments[1] == "file") cache.reload("/etc/passwd");
    if (arguments[1] == "error-path") shop::parse_order(turn, healthy);
    if (arguments[1] == "eventfd") shop::wake_worker(healthy);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ::pause();
}
