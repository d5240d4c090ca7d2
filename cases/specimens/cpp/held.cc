// SPDX-License-Identifier: Apache-2.0
// Memory that C++ code keeps, and its healthy twin: `held [healthy]` takes 1 MiB of orders 50 times
// a second for ten seconds and keeps them for ever, or gives them back.
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace shop {

struct Order {
  explicit Order(std::size_t size) : text(size, 'x') {}
  std::string text;
};

class Archive {
 public:
  [[gnu::noipa]] void keep_orders() {
    for (int i = 0; i < 128; ++i) orders_.push_back(std::make_unique<Order>(8000));
  }
  void clear() { orders_.clear(); }

 private:
  std::vector<std::unique_ptr<Order>> orders_;
};

}  // namespace shop

int main(int count, char** words) {
  const bool healthy = count > 1 && std::strcmp(words[1], "healthy") == 0;
  shop::Archive archive;
  for (int turn = 0; turn < 500; ++turn) {
    archive.keep_orders();
    if (healthy) archive.clear();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}
