// SPDX-License-Identifier: Apache-2.0
// UniqueFd: the one owner of a descriptor in plumb. Move-only; born with CLOEXEC from a named
// factory; closed exactly once. A leak tool with a leak would be a headline.
//
// Threads: as an int. EBADF at close means that somebody else closed our number and perhaps a
// stranger's file with it; that is memory corruption by another name, so the destructor aborts.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "plumb/base/result.h"

namespace plumb {

class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  // Takes ownership of an open descriptor that the caller holds.
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  // A borrow for the length of a call; -1 when empty. Never store it, never close it.
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  // Gives the number away; the caller must close it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // Closes and reports what close(2) said. EINTR counts as closed: on Linux the number is free
  // even then, and closing again would hit a stranger. Empty afterwards in every case.
  Result<void> close();
  // Closes and forgets; aborts on EBADF.
  void reset() noexcept;

  // Factories; each sets CLOEXEC. Errors: the system call's own errno, with the path.
  static Result<UniqueFd> open(const std::string& path, int flags, mode_t mode = 0);
  static Result<UniqueFd> open_at(const UniqueFd& directory, const std::string& path, int flags,
                                  mode_t mode = 0);
  static Result<UniqueFd> socket(int domain, int type, int protocol);
  static Result<std::pair<UniqueFd, UniqueFd>> socket_pair(int domain, int type);
  static Result<std::pair<UniqueFd, UniqueFd>> pipe(int flags = 0);
  static Result<UniqueFd> epoll();
  static Result<UniqueFd> event(unsigned initial, int flags);

 private:
  int fd_ = -1;
};

}  // namespace plumb
