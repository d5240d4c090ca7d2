// SPDX-License-Identifier: Apache-2.0
// A question on the terminal.
#include "app/cli/confirm.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

namespace plumb::app {

std::optional<Exit> refused(Context& context, Consent consent, int interrupt) {
  (void)context.out.finish();  // what cannot be written now is said at the end
  if (consent == Consent::kGiven) return std::nullopt;
  if (::isatty(STDIN_FILENO) != 1) {
    complain("nobody is at the terminal to be asked: --yes says that it may be done");
    return Exit::kUsage;
  }
  std::fputs("Go on? [y/N] ", stderr);
  std::array<pollfd, 2> ready{{{STDIN_FILENO, POLLIN, 0}, {interrupt, POLLIN, 0}}};
  while (::poll(ready.data(), ready.size(), -1) < 0 && errno == EINTR) {
  }
  std::string answer;
  if (ready[1].revents == 0) std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return std::nullopt;
  complain("nothing was done");
  return Exit::kOk;
}

}  // namespace plumb::app
