// SPDX-License-Identifier: Apache-2.0
// Makes the Nth system call of a piece of code fail, for every N and every errno that the call can
// give there (method of Boost.Beast's fail_count). The wrapped calls are those of plumb's own code,
// through ld --wrap; the kernel never sees a call that is made to fail, except close(2), whose
// descriptor is gone whatever it says.
//
//   walk_failures([&] { … the same every time … });
//
// A test program that uses it names the calls under WRAP in its CMakeLists.txt (kWrapped there).
// One thread at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace plumb::test {

struct InjectedFailure {
  std::size_t nth = 0;  // of the wrapped calls, from 1
  std::string call;
  int code = 0;
  std::string text() const;
};

// Runs `code` once with nothing failing, then once for each call that it made and each errno of
// that call. Before each run of the walk `code` is told by a SCOPED_TRACE what fails. Gives the
// number of failures that were injected.
std::size_t walk_failures(const std::function<void()>& code);

// While it lives, every call of that name fails.
class FailEvery {
 public:
  FailEvery(const char* call, int code);
  ~FailEvery();
  FailEvery(const FailEvery&) = delete;
  FailEvery& operator=(const FailEvery&) = delete;
};

}  // namespace plumb::test
