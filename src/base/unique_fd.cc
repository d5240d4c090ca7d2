// SPDX-License-Identifier: Apache-2.0
// The factories and the two ways to close of UniqueFd.
#include "plumb/base/unique_fd.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace plumb {
namespace {

Result<UniqueFd> owned(int fd, const char* operation, std::string object = {}) {
  if (fd < 0) return fail(operation, std::move(object), errno);
  return UniqueFd(fd);
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

Result<void> UniqueFd::close() {
  const int fd = release();
  if (fd < 0 || ::close(fd) == 0 || errno == EINTR) return {};
  return fail("close", "descriptor " + std::to_string(fd), errno);
}

void UniqueFd::reset() noexcept {
  const int fd = release();
  if (fd >= 0 && ::close(fd) != 0 && errno == EBADF) std::abort();
}

Result<UniqueFd> UniqueFd::open(const std::string& path, int flags, mode_t mode) {
  return owned(::open(path.c_str(), flags | O_CLOEXEC, mode), "open", path);
}

Result<UniqueFd> UniqueFd::open_at(const UniqueFd& directory, const std::string& path, int flags,
                                   mode_t mode) {
  return owned(::openat(directory.get(), path.c_str(), flags | O_CLOEXEC, mode), "open", path);
}

Result<UniqueFd> UniqueFd::socket(int domain, int type, int protocol) {
  return owned(::socket(domain, type | SOCK_CLOEXEC, protocol), "socket");
}

Result<std::pair<UniqueFd, UniqueFd>> UniqueFd::socket_pair(int domain, int type) {
  int ends[2];
  if (::socketpair(domain, type | SOCK_CLOEXEC, 0, ends) != 0) return fail("socketpair", "", errno);
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<std::pair<UniqueFd, UniqueFd>> UniqueFd::pipe(int flags) {
  int ends[2];
  if (::pipe2(ends, flags | O_CLOEXEC) != 0) return fail("pipe2", "", errno);
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<UniqueFd> UniqueFd::epoll() {
  return owned(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
}

Result<UniqueFd> UniqueFd::event(unsigned initial, int flags) {
  return owned(::eventfd(initial, flags | EFD_CLOEXEC), "eventfd");
}

}  // namespace plumb
