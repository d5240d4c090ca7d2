// SPDX-License-Identifier: Apache-2.0
// Drawing with the two sequences that every terminal knows: up so many lines, and erase below.
#include "app/cli/http_live.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "detect/report/pieces.h"
#include "plumb/base/human.h"

namespace plumb::app {
namespace {

// Half of the terminal at most: the other half is for what has ended.
std::size_t most_lines() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 8;
  return known ? size.ws_row / 2U : 8U;
}

bool can_draw() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

HttpLive::HttpLive(Context& context, bool wanted)
    : context_(context), draws_(wanted && can_draw()) {}

void HttpLive::clear() {
  if (lines_ == 0) return;
  // From the first column: a terminal echoes ^C where the cursor is.
  context_.out.write(fmt::format("\r\x1b[{}A\x1b[J", lines_));
  lines_ = 0;
}

void HttpLive::draw(const detect::HttpDocument& under_way, std::size_t finished) {
  if (!draws_) return;
  clear();
  const std::string rows = detect::written([&](const detect::Sink& sink) {
    detect::write_http_rows(under_way, context_.paper(), sink);
  });
  const std::size_t most = most_lines();
  std::string_view rest = rows;
  for (; lines_ < most && !rest.empty(); ++lines_) {
    const std::size_t end = rest.find('\n') + 1;
    context_.out.write(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  std::string counts = fmt::format("{} ended · {} under way", human_count(finished),
                                   human_count(under_way.exchanges.size()));
  if (under_way.losses.passed_over != 0) {
    counts += fmt::format(" · {} passed over", human_count(under_way.losses.passed_over));
  }
  if (under_way.losses.events != 0) {
    counts += fmt::format(" · {} captures lost", human_count(under_way.losses.events));
  }
  counts += " · ^C ends";
  const detect::Paper paper = context_.paper();
  context_.out.write((paper.cuts() ? detect::cut_middle(counts, paper.width) : counts) + '\n');
  ++lines_;
  (void)context_.out.finish();
}

}  // namespace plumb::app
