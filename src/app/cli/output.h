// SPDX-License-Identifier: Apache-2.0
// Output: everything that a command prints, in large writes, whole or with an error.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

#include "detect/report/sink.h"
#include "plumb/base/result.h"

namespace plumb::app {

// Threads: none. Borrows the descriptor, which must outlive it. EINTR and short writes are carried
// on from; a closed pipe (EPIPE) is no error but the end of interest; anything else is kept and
// comes back from finish().
class Output {
 public:
  explicit Output(int fd) : fd_(fd) { buffer_.reserve(kBuffer); }

  // False when nobody wants more: the reader has gone, or a write has failed.
  bool write(std::string_view text);
  // Writes what is left. Errors: the first one that any write met, such as ENOSPC.
  Result<void> finish();

  detect::Sink sink() {
    return [this](std::string_view text) { return write(text); };
  }

 private:
  static constexpr std::size_t kBuffer = 64 * 1024;

  bool flush(std::string_view text);

  int fd_;
  std::string buffer_;
  int error_ = 0;      // errno of the write that failed
  bool gone_ = false;  // EPIPE
};

// Makes the file, or writes it anew, with what `print` prints. An empty path asks for no file.
// False where it could not be written, which is said.
bool write_file(const std::string& path, const std::function<void(const detect::Sink&)>& print,
                mode_t mode = 0666);

}  // namespace plumb::app
