// SPDX-License-Identifier: Apache-2.0
// Buffered writing.
#include "app/cli/output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "app/cli/command.h"
#include "plumb/base/unique_fd.h"

namespace plumb::app {

bool Output::write(std::string_view text) {
  if (buffer_.size() + text.size() <= kBuffer) {
    buffer_.append(text);
    return !gone_ && error_ == 0;
  }
  const bool wanted = flush(buffer_);
  buffer_.clear();
  if (!wanted) return false;
  if (text.size() > kBuffer / 2) return flush(text);  // large pieces are not copied
  buffer_.append(text);
  return true;
}

Result<void> Output::finish() {
  flush(buffer_);
  buffer_.clear();
  if (error_ == 0) return {};
  return fail("write", "standard output", error_);
}

bool Output::flush(std::string_view text) {
  while (!text.empty() && !gone_ && error_ == 0) {
    const ssize_t wrote = ::write(fd_, text.data(), text.size());
    if (wrote >= 0) {
      text.remove_prefix(static_cast<std::size_t>(wrote));
    } else if (errno == EPIPE) {
      gone_ = true;
    } else if (errno == EAGAIN) {  // somebody made the shared terminal or pipe non-blocking
      pollfd ready{fd_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  return !gone_ && error_ == 0;
}

bool write_file(const std::string& path, const std::function<void(const detect::Sink&)>& print,
                mode_t mode) {
  if (path.empty()) return true;
  auto file = UniqueFd::open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (!file) {
    complain(file.error().message());
    return false;
  }
  Output out(file->get());
  print(out.sink());
  const auto finished = out.finish();
  if (!finished) complain(path + ": " + finished.error().message());
  return finished.ok();
}

}  // namespace plumb::app
