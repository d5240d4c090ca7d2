// SPDX-License-Identifier: Apache-2.0
// Starting and ending the programs of a demonstration.
#include "app/cli/demo_stage.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include "detect/source/held_child.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 10s;
// Beside plumb in a build, where libexec is in an installation.
constexpr std::array kPlaces = {"../cast/plumb-cast", "../libexec/plumb/plumb-cast"};

// The line that a program says first.
Result<std::string> line_of(const UniqueFd& output, const std::string& program) {
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!text.ends_with('\n')) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ready{output.get(), POLLIN, 0};
    if (left <= 0ms || ::poll(&ready, 1, static_cast<int>(left.count())) == 0) {
      return fail("start", program, ETIMEDOUT);
    }
    char one = 0;
    const ssize_t got = ::read(output.get(), &one, 1);
    if (got == 0) return fail("start", program, EPIPE, "it ended at once");
    if (got == 1) text += one;
  }
  return std::string(trim(text));
}

}  // namespace

Result<DemoStage> DemoStage::open() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  for (const char* place : kPlaces) {
    const auto program = (self.parent_path() / place).lexically_normal();
    if (::access(program.c_str(), X_OK) != 0) continue;
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    return DemoStage(program.string());
  }
  return fail("find", "plumb-cast", ENOENT,
              "it belongs to plumb: install or build plumb as a whole");
}

Result<Pid> DemoStage::start(std::vector<std::string> words, Streams streams) {
  const std::vector<char*> arguments = detect::as_arguments(words);
  auto child = detect::HeldChild::start(program_, [&, plumb = ::getpid()] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plumb) ::_exit(0);
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(streams.input < 0 ? nothing : streams.input, STDIN_FILENO);
    ::dup2(streams.output < 0 ? nothing : streams.output, STDOUT_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);  // what plumb itself was given
    ::execv(program_.c_str(), arguments.data());
  });
  if (!child) return std::move(child).error();
  ::setpgid(number(child->pid()), group_ ? number(*group_) : 0);
  if (!group_) group_ = child->pid();
  if (const auto runs = child->go(); !runs) {
    ::waitpid(number(child->pid()), nullptr, 0);
    return runs.error();
  }
  return child->pid();
}

Result<Pid> DemoStage::enter(std::vector<std::string> words) {
  return start(std::move(words), {});
}

Result<Pid> DemoStage::enter_pair(std::vector<std::string> words,
                                  std::vector<std::string> listener) {
  auto pipe = UniqueFd::pipe();
  if (!pipe) return std::move(pipe).error();
  const auto first = start(std::move(words), {.output = pipe->second.get()});
  if (!first) return first.error();
  const auto second = start(std::move(listener), {.input = pipe->first.get()});
  if (!second) return second.error();
  return *first;
}

Result<DemoStage::Server> DemoStage::enter_server(std::vector<std::string> words) {
  const std::string name = words.front();
  auto output = UniqueFd::pipe();
  if (!output) return std::move(output).error();
  const auto pid = start(std::move(words), {.output = output->second.get()});
  if (!pid) return pid.error();
  output->second.reset();
  auto port = line_of(output->first, name);
  if (!port) return std::move(port).error();
  return Server{*pid, *std::move(port)};
}

std::size_t DemoStage::clear() {
  if (!group_) return 0;
  const pid_t group = number(*std::exchange(group_, std::nullopt));
  ::kill(-group, SIGKILL);
  std::size_t ended = 0;
  for (;;) {
    const pid_t one = ::waitpid(-group, nullptr, 0);
    if (one > 0) {
      ++ended;
    } else if (errno != EINTR) {
      return ended;  // ECHILD: all have ended
    }
  }
}

DemoStage::DemoStage(DemoStage&& other) noexcept
    : program_(std::move(other.program_)), group_(std::exchange(other.group_, std::nullopt)) {}

DemoStage::~DemoStage() {
  clear();
}

}  // namespace plumb::app
