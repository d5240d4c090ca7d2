// SPDX-License-Identifier: Apache-2.0
// A C++ program whose system call is made by an inlined member of a template.
#include <unistd.h>

namespace shop {

template <typename Item>
class Till {
 public:
  [[gnu::always_inline]] inline int ring() { return ::getppid() + count_++; }  // the call, line 10

 private:
  int count_ = 0;
};

[[gnu::noinline]] int sell(Till<long>& till) {
  const int bill = till.ring();  // line 17
  return bill + 1;
}

}  // namespace shop

int main() {
  shop::Till<long> till;
  for (int day = 0; day < 3; ++day) shop::sell(till);
}
