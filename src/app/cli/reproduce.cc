// SPDX-License-Identifier: Apache-2.0
// Reading a command from /proc and running it.
#include "app/cli/reproduce.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "detect/finding/wording.h"
#include "detect/model/tables.h"
#include "detect/report/terminal.h"
#include "plumb/base/human.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

constexpr std::size_t kMostText = 1024 * 1024;
constexpr std::size_t kLongestTold = 400;  // bytes of a command

std::vector<std::string> split_at_nul(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) all.emplace_back(take_until(text, '\0'));
  return all;
}

// The effective one of "Uid:\t1000\t1000\t1000\t1000".
std::optional<std::uint32_t> effective(std::string_view rest) {
  (void)take_word(rest);
  return parse_number<std::uint32_t>(take_word(rest));
}

void read_identity(std::string_view status, Recipe& recipe) {
  while (!status.empty()) {
    std::string_view line = take_until(status, '\n');
    const std::string_view key = take_until(line, ':');
    if (key == "Uid") recipe.user = Uid{effective(line).value_or(0)};
    if (key == "Gid") recipe.group = effective(line).value_or(0);
    if (key != "Groups") continue;
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
      if (const auto group = parse_number<std::uint32_t>(word)) recipe.groups.push_back(*group);
    }
  }
}

// Runs in the child, where only async-signal-safe functions may be called.
bool become(const Recipe& recipe) {
  const rlimit limit{recipe.descriptor_limit, recipe.descriptor_limit};
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // its own is higher at most
  if (::geteuid() != 0) return true;
  return ::setgroups(recipe.groups.size(), recipe.groups.data()) == 0 &&
         ::setresgid(recipe.group, recipe.group, recipe.group) == 0 &&
         ::setresuid(number(recipe.user), number(recipe.user), number(recipe.user)) == 0;
}

}  // namespace

Result<Recipe> Recipe::of(const detect::Survey& survey, detect::ProcessIndex process) {
  const detect::Process& one = survey.processes[number(process)];
  const std::string folder = fmt::format("/proc/{}", number(one.key.pid));
  const auto self = detect::find_process(survey, Pid{::getpid()});
  if (self) {
    const detect::Namespaces& home = survey.processes[number(*self)].namespaces;
    const detect::Namespaces& there = one.namespaces;
    if (home.mnt != there.mnt || home.net != there.net) {
      return fail("run again", folder, ENOTSUP,
                  "it lives in other namespaces: run plumb there (nsenter)");
    }
  }
  const auto arguments = read_file(folder + "/cmdline", kMostText);
  if (!arguments) return arguments.error();
  const auto environment = read_file(folder + "/environ", kMostText);
  if (!environment) return environment.error();
  const auto status = read_file(folder + "/status", 64 * 1024);
  if (!status) return status.error();
  Recipe recipe;
  recipe.like = one.key;
  recipe.arguments = split_at_nul(*arguments);
  recipe.environment = split_at_nul(*environment);
  if (recipe.arguments.empty()) return fail("run again", folder, ESRCH, "it has no command line");
  std::error_code error;
  const auto program = std::filesystem::read_symlink(folder + "/exe", error);
  recipe.program =
      !error && ::access(program.c_str(), X_OK) == 0 ? program.string() : folder + "/exe";
  recipe.directory = std::filesystem::read_symlink(folder + "/cwd", error).string();
  const std::filesystem::path input = folder + "/fd/0";
  const bool file = std::filesystem::is_regular_file(input, error) && !error;
  if (file) recipe.input = std::filesystem::read_symlink(input, error).string();
  recipe.input_gone =
      !file && (std::filesystem::is_fifo(input, error) || std::filesystem::is_socket(input, error));
  recipe.descriptor_limit = one.descriptor_limit.value_or(recipe.descriptor_limit);
  read_identity(*status, recipe);
  return recipe;
}

std::string Recipe::input_told() const {
  if (!input.empty()) {
    return fmt::format("reading {} from its beginning",
                       detect::clean(detect::short_command(input, kLongestTold)));
  }
  return input_gone
             ? "with nothing to read (what the other reads comes over a pipe, which cannot be "
               "read again)"
             : "with nothing to read";
}

std::string Recipe::told(std::chrono::nanoseconds limit) const {
  std::string command;
  for (const std::string& one : arguments) command += (command.empty() ? "" : " ") + one;
  return fmt::format(
      "plumb will run again what process {} runs, and read along what it sends and gets:\n"
      "  {}\n"
      "in {}, with its {} environment variables, as user {}, {}, for {} at "
      "most.\n"
      "It does what it does: what it sends is sent once more.\n",
      number(like.pid), detect::clean(detect::short_command(command, kLongestTold)),
      detect::clean(directory), environment.size(), number(user), input_told(),
      human_duration(limit));
}

Result<Rerunning> Rerunning::start(const Recipe& recipe) {
  const std::vector<char*> arguments = detect::as_arguments(recipe.arguments);
  const std::vector<char*> environment = detect::as_arguments(recipe.environment);
  const std::string directory = fmt::format("/proc/{}/cwd", number(recipe.like.pid));
  const std::string input = recipe.input.empty()
                                ? std::string("/dev/null")
                                : fmt::format("/proc/{}/fd/0", number(recipe.like.pid));
  auto child = detect::HeldChild::start(recipe.program, [&, plumb = ::getpid()] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plumb) ::_exit(0);
    (void)::setpriority(PRIO_PROCESS, 0, 0);  // plumb has hurried itself
    const int empty = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const int given = ::open(input.c_str(), O_RDONLY | O_CLOEXEC);
    ::dup2(given < 0 ? empty : given, STDIN_FILENO);
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) ::dup2(empty, stream);
    if (::chdir(directory.c_str()) != 0 || !become(recipe)) return;
    ::execve(recipe.program.c_str(), arguments.data(), environment.data());
  });
  if (!child) return std::move(child).error();
  ::setpgid(number(child->pid()), 0);
  return Rerunning(std::move(*child));
}

std::optional<int> Rerunning::status() {
  int status = 0;
  if (!status_ && ::waitpid(number(pid()), &status, WNOHANG) == number(pid())) status_ = status;
  return status_;
}

Rerunning::Rerunning(Rerunning&& other) noexcept
    : child_(std::move(other.child_)),
      status_(other.status_),
      mine_(std::exchange(other.mine_, false)) {}

Rerunning::~Rerunning() {
  if (!mine_) return;
  ::kill(-number(pid()), SIGKILL);
  while (!status_ && ::waitpid(number(pid()), nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace plumb::app
