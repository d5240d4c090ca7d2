// SPDX-License-Identifier: Apache-2.0
// How output should look, and complaints.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "app/cli/command.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

constexpr std::size_t kLeastWidth = 40;  // narrower terminals wrap

// The terminal's width; COLUMNS has the last word, as in other tools. 80 for one that does not say.
std::size_t terminal_width(int fd) {
  const char* columns = std::getenv("COLUMNS");
  if (columns != nullptr) {
    const auto width = parse_number<std::size_t>(columns);
    if (width && *width > 0) return std::max(*width, kLeastWidth);
  }
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return std::max<std::size_t>(size.ws_col, kLeastWidth);
}

}  // namespace

detect::Paper Context::paper() const {
  return paper(STDOUT_FILENO);
}

detect::Paper Context::paper(int fd) const {
  const bool terminal = ::isatty(fd) == 1;
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org: set and not empty
  const char* term = std::getenv("TERM");
  const bool plain = (no_color != nullptr && *no_color != '\0') ||
                     (term != nullptr && std::string_view(term) == "dumb");
  detect::Paper paper;
  paper.colours = colour == "always" || (colour == "auto" && terminal && !plain);
  paper.width = terminal ? terminal_width(fd) : 0;
  return paper;
}

void complain(const std::string& message) {
  std::fprintf(stderr, "plumb: %s\n", message.c_str());
}

}  // namespace plumb::app
