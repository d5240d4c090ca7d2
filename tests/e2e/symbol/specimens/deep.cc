// SPDX-License-Identifier: Apache-2.0
// A C++ program at -O2 whose system calls come from templates, lambdas, virtual calls,
// coroutine-free callbacks, exceptions in flight and destructors.
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

volatile int sink;

[[gnu::noinline]] void call() {
  sink = sink + ::getppid();
}

struct Shape {
  virtual ~Shape() { call(); }
  virtual int area(int depth) const = 0;
};

template <int Side>
struct Square : Shape {
  [[gnu::noinline]] int area(int depth) const override {
    std::string name(static_cast<std::size_t>(depth + Side), 'x');
    call();
    if (depth == 0) return Side;
    Square<Side + 1 <= 6 ? Side + 1 : 1> next;
    return static_cast<int>(name.size()) + next.area(depth - 1);
  }
};

struct Guard {
  ~Guard() { call(); }
};

[[gnu::noinline]] int throwing(int depth) {
  const Guard guard;
  if (depth == 0) throw std::runtime_error("bottom");
  return throwing(depth - 1) + 1;
}

[[gnu::noinline]] int through_function(const std::function<int(int)>& next, int value) {
  return next(value) + 1;
}

}  // namespace

int main() {
  for (int round = 0; round < 6; ++round) {
    const std::unique_ptr<Shape> shape = std::make_unique<Square<1>>();
    sink = sink + shape->area(8);
    std::map<std::string, std::vector<int>> map;
    for (int key = 0; key < 4; ++key) map[std::to_string(key)] = {3, 1, 2};
    for (auto& [key, values] : map) {
      std::sort(values.begin(), values.end(), [](int a, int b) {
        call();
        return a < b;
      });
    }
    sink = sink + through_function(
                      [&](int value) {
                        return through_function(
                            [](int inner) {
                              call();
                              return inner;
                            },
                            value);
                      },
                      round);
    try {
      throwing(6);
    } catch (const std::exception&) {
      call();
    }
  }
}
