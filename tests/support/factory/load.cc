// SPDX-License-Identifier: Apache-2.0
// A load: many descriptors in as few processes as the limit allows. Of 20 descriptors 8 are ends of
// unix socketpairs, 6 ends of pipes, 5 files, and 1 an end of a TCP connection over loopback (a TCP
// socket costs the kernel 3 KiB, and 28,000 ports is all that one address has). A million needs
// 52 processes under a limit of 20,000, about 3 GiB, and 4 s to open.
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "modes.h"
#include "plumb/base/unique_fd.h"

namespace plumb::factory {
namespace {

constexpr std::size_t kPerProcess = 19'500;
constexpr int kNamedFiles = 256;  // each process opens these again and again

struct Mix {
  std::size_t unix_ends = 0;
  std::size_t pipe_ends = 0;
  std::size_t tcp_ends = 0;
  std::size_t files = 0;
  std::size_t listeners = 0;

  Mix& operator+=(const Mix& other) {
    unix_ends += other.unix_ends;
    pipe_ends += other.pipe_ends;
    tcp_ends += other.tcp_ends;
    files += other.files;
    listeners += other.listeners;
    return *this;
  }
};

[[noreturn]] void give_up(const char* what) {
  fmt::print(stderr, "factory: {}: {}\n", what, std::strerror(errno));
  std::_Exit(1);
}

// What is left of `total` after the sockets and pipes is files.
Mix mix_of(std::size_t total) {
  const auto pairs = [total](std::size_t share) { return total * share / 20 / 2 * 2; };
  Mix mix{.unix_ends = pairs(8), .pipe_ends = pairs(6), .tcp_ends = pairs(1)};
  mix.listeners = mix.tcp_ends > 0 ? 1 : 0;
  mix.files = total - mix.unix_ends - mix.pipe_ends - mix.tcp_ends - mix.listeners;
  return mix;
}

void open_tcp(std::size_t pairs, std::uint32_t worker) {
  // An address of its own for each worker, so that 28,000 ports are enough for each.
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + worker);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || ::bind(listener, generic, size) != 0 || ::listen(listener, 16) != 0 ||
      ::getsockname(listener, generic, &size) != 0) {
    give_up("listen");
  }
  for (std::size_t i = 0; i < pairs; ++i) {
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0 || ::connect(client, generic, size) != 0) give_up("connect");
    if (::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) < 0) give_up("accept");
  }
}

// The descriptors are left open on purpose: holding them is what a worker is for.
void open_mix(const Mix& mix, const std::string& directory, std::uint32_t worker) {
  int ends[2];
  for (std::size_t i = 0; i < mix.unix_ends; i += 2) {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) give_up("socketpair");
  }
  for (std::size_t i = 0; i < mix.pipe_ends; i += 2) {
    if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe");
  }
  for (std::size_t i = 0; i < mix.files; ++i) {
    const auto path = fmt::format("{}/file-{}", directory, i % kNamedFiles);
    if (::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0) give_up("open");
  }
  if (mix.listeners > 0) open_tcp(mix.tcp_ends / 2, worker);
}

// Runs in the child: opens its share, says so through `done`, and sleeps until it is killed.
[[noreturn]] void work(const Mix& mix, const std::string& directory, std::uint32_t worker,
                       UniqueFd done) {
  // Above the numbers that the load will take; what came from outside is closed, for the count to
  // be exact.
  const int kept = ::fcntl(done.get(), F_DUPFD_CLOEXEC, static_cast<int>(kPerProcess + 100));
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (kept < 0 || ::dup2(null, STDIN_FILENO) < 0 || ::dup2(null, STDOUT_FILENO) < 0) {
    give_up("dup");
  }
  ::close_range(3, static_cast<unsigned>(kept) - 1, 0);
  open_mix(mix, directory, worker);
  if (::write(kept, "x", 1) != 1) give_up("write");
  ::close(kept);
  while (true) ::pause();
}

}  // namespace

int play_load(std::size_t descriptors) {
  constexpr std::size_t kStandard = 3;  // stdin, stdout and stderr of each worker
  if (descriptor_limit() < kPerProcess + 101) {
    fmt::print(stderr, "factory: the hard limit of open files is below {}\n", kPerProcess + 101);
    return 1;
  }
  const Workshop workshop;
  auto done = UniqueFd::pipe();
  if (!done) give_up("pipe");
  Mix all;
  std::uint32_t workers = 0;
  std::vector<int> children;
  for (std::size_t left = descriptors; left > kStandard; ++workers) {
    const std::size_t share = std::min(left, kPerProcess);
    const Mix mix = mix_of(share - kStandard);
    all += mix;
    left -= share;
    const int child = fork_child();
    if (child == 0) work(mix, workshop.path(), workers, std::move(done->second));
    children.push_back(child);
  }
  done->second.reset();
  std::size_t ready = 0;
  for (char byte = 0; ::read(done->first.get(), &byte, 1) == 1;) ++ready;
  if (ready != children.size()) {
    fmt::print(stderr, "factory: {} of {} workers failed\n", children.size() - ready,
               children.size());
    return 1;
  }
  fmt::print(
      "{{\"pid\":{},\"processes\":{},\"descriptors\":{},\"unix\":{},\"pipe\":{},\"tcp\":{},"
      "\"file\":{}}}\n{{\"ready\":true}}\n",
      ::getpid(), workers, descriptors, all.unix_ends, all.pipe_ends, all.tcp_ends + all.listeners,
      all.files);
  std::fflush(stdout);
  wait_for_end_of_input();
  for (const int child : children) ::kill(child, SIGKILL);
  for (const int child : children) ::waitpid(child, nullptr, 0);
  return 0;
}

}  // namespace plumb::factory
