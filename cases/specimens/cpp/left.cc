// SPDX-License-Identifier: Apache-2.0
// Memory that C++ code loses, and its healthy twin: `left [healthy]` makes a tree of orders,
// forgets it or gives it back, and ends.
#include <cstring>
#include <memory>
#include <string>

namespace shop {

struct Order {
  std::string text = "an order that is too long to stand within the string";
  std::unique_ptr<Order> first;
  std::unique_ptr<Order> second;
};

[[gnu::noipa]] std::unique_ptr<Order> take_orders(int depth) {
  auto order = std::make_unique<Order>();
  if (depth > 1) {
    order->first = take_orders(depth - 1);
    order->second = take_orders(depth - 1);
  }
  return order;
}

}  // namespace shop

int main(int count, char** words) {
  auto orders = shop::take_orders(4);
  const bool healthy = count > 1 && std::strcmp(words[1], "healthy") == 0;
  if (!healthy) (void)orders.release();
}
