// SPDX-License-Identifier: Apache-2.0
// Reading journalctl's output.
#include "detect/source/journal_marks.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "plumb/base/text.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::nanoseconds;

constexpr std::size_t kMostMarks = 10'000;
constexpr std::size_t kMostBytes = 32 * 1024 * 1024;
constexpr std::size_t kLongestName = 200;
constexpr auto kPatience = 2s;
// systemd.journal-fields(7), sd-messages.h: a unit's start and the end of its run.
constexpr std::string_view kUnitStarting = "7d4958e842da4a758f6c1cdc7b36dcc5";
constexpr std::string_view kUnitStarted = "39f53479d3a045ac8e11786248231fbf";
constexpr std::string_view kUnitFinished = "7ad2d189f7e94e70a38c781354912448";

std::string text_of(const json& entry, const char* field) {
  const auto found = entry.find(field);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// "(root) CMD (run-parts /etc/cron.hourly)": what stands in the last parentheses.
std::optional<std::string> cron_command(std::string_view message) {
  constexpr std::string_view kBefore = ") CMD (";
  const auto at = message.find(kBefore);
  if (at == std::string_view::npos || !message.ends_with(')')) return std::nullopt;
  message.remove_prefix(at + kBefore.size());
  message.remove_suffix(1);
  return std::string(trim(message));
}

std::optional<Mark> mark_of(const json& entry, nanoseconds to_boot) {
  if (!entry.is_object()) return std::nullopt;
  // When it was sent, where the journal knows; on a busy machine it is received much later.
  auto wall = parse_number<std::int64_t>(text_of(entry, "_SOURCE_REALTIME_TIMESTAMP"));
  if (!wall) wall = parse_number<std::int64_t>(text_of(entry, "__REALTIME_TIMESTAMP"));
  if (!wall || *wall < 0 || *wall > INT64_MAX / 1000) return std::nullopt;
  Mark mark;
  mark.time = BootTime(nanoseconds(std::chrono::microseconds(*wall)) + to_boot);
  const std::string message_id = text_of(entry, "MESSAGE_ID");
  const std::string program = text_of(entry, "SYSLOG_IDENTIFIER");
  if (program == "CRON" || program == "cron" || program == "crond") {
    auto command = cron_command(text_of(entry, "MESSAGE"));
    if (!command) return std::nullopt;
    mark.source = Mark::Source::kCron;
    mark.name = *std::move(command);
  } else if (message_id == kUnitStarting || message_id == kUnitStarted ||
             message_id == kUnitFinished) {
    mark.source = Mark::Source::kUnit;
    mark.name = text_of(entry, "UNIT");
    // A service that ends by itself is finished; one that stays is started. Both end its starting.
    mark.what = message_id == kUnitStarting ? Mark::What::kStart : Mark::What::kStop;
  }
  if (mark.name.empty()) return std::nullopt;
  mark.name.resize(std::min(mark.name.size(), kLongestName));
  return mark;
}

// What it prints; nothing else of it matters.
Result<std::string> output_of(const std::string& since) {
  auto pipe = UniqueFd::pipe();
  if (!pipe) return std::move(pipe).error();
  const pid_t pid = ::fork();
  if (pid < 0) return fail("fork", "journalctl", errno);
  if (pid == 0) {
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(pipe->second.get(), STDOUT_FILENO);
    ::dup2(nothing, STDERR_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execlp("journalctl", "journalctl", "-q", "-o", "json", "--no-pager", "--since", since.c_str(),
             nullptr);
    ::_exit(127);
  }
  pipe->second.reset();
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  bool whole = false;
  while (!whole && text.size() < kMostBytes) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ready{pipe->first.get(), POLLIN, 0};
    if (left <= 0ms || ::poll(&ready, 1, static_cast<int>(left.count())) == 0) break;
    std::array<char, 16 * 1024> piece;
    const ssize_t got = ::read(pipe->first.get(), piece.data(), piece.size());
    whole = got == 0;
    if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
  }
  if (!whole) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole && text.size() < kMostBytes) return fail("read", "the journal", ETIMEDOUT);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
    return fail("run", "journalctl", ENOENT, "systemd's journal is not on this machine");
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return fail("read", "the journal", ENODATA);
  return text;
}

nanoseconds wall_to_boot() {
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  return BootClock::now().time_since_epoch() - std::chrono::seconds(wall.tv_sec) -
         nanoseconds(wall.tv_nsec);
}

}  // namespace

std::vector<Mark> parse_journal(std::string_view text, nanoseconds to_boot) {
  std::vector<Mark> marks;
  while (!text.empty() && marks.size() < kMostMarks) {
    const json entry = json::parse(take_until(text, '\n'), nullptr, false);
    if (auto mark = mark_of(entry, to_boot)) marks.push_back(*std::move(mark));
  }
  return marks;
}

Result<std::vector<Mark>> read_journal(BootTime since) {
  const nanoseconds to_boot = wall_to_boot();
  const auto wall = std::chrono::floor<std::chrono::seconds>(since.time_since_epoch() - to_boot);
  const auto text = output_of("@" + std::to_string(wall.count()));
  if (!text) return text.error();
  return parse_journal(*text, to_boot);
}

}  // namespace plumb::detect
