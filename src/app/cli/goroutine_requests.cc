// SPDX-License-Identifier: Apache-2.0
// Watching, waiting, telling.
#include "app/cli/goroutine_requests.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string>

#include "app/cli/go_http_watch.h"
#include "app/cli/signals.h"
#include "detect/report/go_http_document.h"

namespace plumb::app {
namespace {

using namespace detect;

// True while the process is there.
bool wait(const RequestsPlan& plan) {
  Signals signals;
  const UniqueFd process(
      static_cast<int>(::syscall(SYS_pidfd_open, number(plan.process), 0)));  // Linux 5.3
  const BootTime began = BootClock::now();
  for (;;) {
    std::chrono::nanoseconds left = std::chrono::seconds(1);
    if (plan.duration) left = std::min(left, *plan.duration - (BootClock::now() - began));
    if (left.count() <= 0) return true;
    std::array<pollfd, 2> ready{{{signals.descriptor(), POLLIN, 0}, {process.get(), POLLIN, 0}}};
    ::poll(ready.data(), ready.size(),
           static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    if ((ready[1].revents & POLLIN) != 0) return false;
    if (signals.take()) return true;
  }
}

}  // namespace

Exit watch_requests(Context& context, const RequestsPlan& plan) {
  const auto give_up = [](const Error& error) {
    complain(error.message());
    return error.code == ESRCH || error.code == ENOENT ? Exit::kUsage : Exit::kNotPossible;
  };
  auto watch = GoHttpWatch::open(plan.process);
  if (!watch) return give_up(watch.error());
  if (!plan.duration && ::isatty(STDERR_FILENO) == 1) {
    std::fputs("watching the requests; ^C prints what is held\n", stderr);
  }
  const BootTime began = BootClock::now();
  if (!wait(plan)) {
    complain("process " + std::to_string(number(plan.process)) + " has ended; nothing is held");
    return Exit::kOk;
  }

  const auto held = (*watch)->read(plan.min_age);
  if (!held) return give_up(held.error());
  const GoHttpDocument document{.leaks = held->leaks,
                                .snapshot = held->snapshot,
                                .losses = held->losses,
                                .watched = held->taken - began,
                                .min_age = plan.min_age,
                                .secrets = plan.secrets};
  if (plan.json) {
    write_go_http_json(document, context.out.sink());
  } else {
    write_go_http_text(document, context.paper(), context.out.sink());
  }
  const bool leaked = std::ranges::any_of(held->leaks.sites, [](const GoHttpSite& site) {
    return site.states[static_cast<std::size_t>(GoConnectionState::kBodyOpen)] > 0;
  });
  return leaked ? Exit::kFindings : Exit::kOk;
}

}  // namespace plumb::app
