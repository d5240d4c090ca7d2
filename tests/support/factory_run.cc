// SPDX-License-Identifier: Apache-2.0
// Starting, reading and ending a factory.
#include "support/factory_run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

#include "plumb/base/text.h"

namespace plumb {
namespace {

// Runs in the child: nothing but what may be called after a fork.
[[noreturn]] void execute(const std::vector<char*>& arguments, const UniqueFd& input,
                          const UniqueFd& output) {
  if (::dup2(input.get(), STDIN_FILENO) >= 0 && ::dup2(output.get(), STDOUT_FILENO) >= 0) {
    // What the test itself inherited (ctest's log, still being written) would not stand still.
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::execvp(arguments.front(), arguments.data());
  }
  ::_exit(127);
}

}  // namespace

FactoryRun::FactoryRun(std::vector<std::string> arguments, std::vector<std::string> prefix) {
  prefix.emplace_back(PLUMB_FACTORY);
  prefix.insert(prefix.end(), arguments.begin(), arguments.end());
  std::vector<char*> words;
  for (auto& word : prefix) words.push_back(word.data());
  words.push_back(nullptr);

  auto input = UniqueFd::pipe();
  auto output = UniqueFd::pipe();
  if (!input || !output) throw std::runtime_error("no pipe");
  const int child = ::fork();
  if (child < 0) throw std::runtime_error("no child");
  if (child == 0) execute(words, input->first, output->second);
  pid_ = Pid(child);
  input_ = std::move(input->second);
  output_ = std::move(output->first);
  output->second.reset();
  read_lines();
}

FactoryRun::~FactoryRun() {
  input_.reset();  // the end of its input is the end of its work
  ::waitpid(number(pid_), nullptr, 0);
}

void FactoryRun::read_lines() {
  std::string text;
  char bytes[4096];
  while (text.find("{\"ready\":true}\n") == std::string::npos) {
    const ssize_t got = ::read(output_.get(), bytes, sizeof bytes);
    if (got <= 0) {
      input_.reset();
      ::waitpid(number(pid_), nullptr, 0);
      throw std::runtime_error("the factory ended early: " + text);
    }
    text.append(bytes, static_cast<std::size_t>(got));
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    auto line = nlohmann::json::parse(take_until(rest, '\n'));
    if (!line.contains("ready")) lines_.push_back(std::move(line));
  }
}

std::vector<nlohmann::json> FactoryRun::rows() const {
  std::vector<nlohmann::json> rows;
  for (const auto& line : lines_) {
    if (line.contains("fd")) rows.push_back(line);
  }
  return rows;
}

Frozen::Frozen(Pid pid) : pid_(pid) {
  ::kill(number(pid), SIGSTOP);
  const auto path = "/proc/" + std::to_string(number(pid)) + "/stat";
  for (int i = 0; i < 1000; ++i) {
    const auto stat = read_file(path, 4096);
    if (stat && stat->find(") T ") != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw std::runtime_error(path + ": does not stop");
}

Frozen::~Frozen() {
  ::kill(number(pid_), SIGCONT);
}

}  // namespace plumb
