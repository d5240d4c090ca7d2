// SPDX-License-Identifier: Apache-2.0
// The clients' process.
#include "support/crowd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace plumb::test {
namespace {

using Clock = std::chrono::steady_clock;

int elapsed_ms(Clock::time_point since) {
  return static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count());
}

int connected(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    ::_exit(3);
  }
  return fd;
}

void note(CrowdOutcome& outcome, ssize_t got, const char* text) {
  if (got < 0) {
    ++outcome.reset;
  } else if (got >= 2 && std::memcmp(text, "ok", 2) == 0) {
    ++outcome.ok;
  } else if (got >= 4 && std::memcmp(text, "busy", 4) == 0) {
    ++outcome.busy;
  } else {
    ++outcome.ended;
  }
}

CrowdOutcome live(const CrowdPlan& plan) {
  std::vector<pollfd> waiting;
  for (int i = 0; i < plan.clients; ++i) waiting.push_back({connected(plan.port), 0, 0});
  CrowdOutcome outcome;
  if (!plan.talk) return outcome;
  const auto began = Clock::now();
  for (auto& client : waiting) client.events = POLLOUT;
  std::size_t left = waiting.size();
  while (left != 0 && elapsed_ms(began) < plan.patience_ms) {
    ::poll(waiting.data(), waiting.size(), plan.patience_ms - elapsed_ms(began));
    for (auto& client : waiting) {
      if (client.revents == 0) continue;
      char text[64] = "";
      if (client.events == POLLOUT) {
        const bool said = ::send(client.fd, "hi\n", 3, MSG_NOSIGNAL) == 3;
        client.events = said ? POLLIN : 0;
        if (said) continue;
      }
      note(outcome, ::recv(client.fd, text, sizeof text, 0), text);
      outcome.slowest_ms = std::max(outcome.slowest_ms, elapsed_ms(began));
      client.fd = ~client.fd;  // poll ignores it from now on; it stays open
      --left;
    }
  }
  outcome.hang = static_cast<int>(left);
  return outcome;
}

// Lifts the soft limit to the hard one; gives what it was.
rlimit lift_limit() {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit lifted = before;
  lifted.rlim_cur = lifted.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &lifted);
  return before;
}

// The test's own ends of the pipes take no place that the server under test could have.
UniqueFd out_of_the_way(const UniqueFd& fd) {
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 900));
}

[[noreturn]] void run(const CrowdPlan& plan, int report, int leave) {
  ::dup2(report, 3);
  ::dup2(leave, 4);
  ::close_range(5, ~0U, 0);
  const CrowdOutcome outcome = live(plan);
  if (::write(3, &outcome, sizeof outcome) != sizeof outcome) ::_exit(4);
  char byte = 0;
  while (::read(4, &byte, 1) > 0) continue;
  ::_exit(0);
}

}  // namespace

Crowd::Crowd(const CrowdPlan& plan) {
  const rlimit before = lift_limit();
  auto report = UniqueFd::pipe();
  auto leave = UniqueFd::pipe();
  if (!report || !leave) std::abort();
  child_ = ::fork();
  if (child_ == 0) {
    // Numbers 3 and 4 may be in the way of each other: lift both above them first.
    run(plan, ::fcntl(report->second.get(), F_DUPFD, 5), ::fcntl(leave->first.get(), F_DUPFD, 5));
  }
  ::fcntl(report->first.get(), F_SETFL, O_NONBLOCK);
  report_ = out_of_the_way(report->first);
  leave_ = out_of_the_way(leave->second);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

Crowd::~Crowd() {
  leave_.reset();
  ::waitpid(child_, nullptr, 0);
}

}  // namespace plumb::test
