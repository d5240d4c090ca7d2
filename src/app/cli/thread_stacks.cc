// SPDX-License-Identifier: Apache-2.0
// Unwinding sleeping threads by their registers in /proc/PID/task/TID/syscall.
#include "app/cli/thread_stacks.h"

#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "detect/symbol/module_cache.h"
#include "detect/symbol/process_access.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/python_reader.h"
#include "detect/symbol/symbolizer.h"
#include "detect/symbol/unwinder.h"
#include "detect/symbol/v8_reader.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

using namespace detect;

constexpr std::size_t kNewest = 8;
constexpr std::size_t kStackBytes = 32 << 10;

std::string folder_of(Pid process) {
  return "/proc/" + std::to_string(number(process)) + "/task";
}

std::vector<Tid> threads_of(Pid process) {
  std::vector<Tid> threads;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(folder_of(process).c_str()),
                                                   &::closedir);
  if (!folder) return threads;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (const auto tid = parse_number<std::int32_t>(entry->d_name)) threads.push_back(Tid{*tid});
  }
  std::ranges::sort(threads);
  return threads;
}

std::optional<std::uint64_t> hexadecimal(std::string_view word) {
  if (!word.starts_with("0x")) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data() + 2, word.data() + word.size(), value, 16);
  return error == std::errc() && end == word.data() + word.size() ? std::optional(value)
                                                                  : std::nullopt;
}

// proc(5): the call, its six arguments, the stack pointer, the instruction pointer; "running".
std::optional<Registers> registers_of(Pid process, Tid tid) {
  const auto text =
      read_file(folder_of(process) + '/' + std::to_string(number(tid)) + "/syscall", 512);
  if (!text) return std::nullopt;
  std::string_view rest = trim(*text);
  std::vector<std::string_view> words;
  while (!rest.empty()) words.push_back(take_word(rest));
  if (words.size() < 3) return std::nullopt;
  const auto stack = hexadecimal(words[words.size() - 2]);
  const auto code = hexadecimal(words.back());
  if (!stack || !code) return std::nullopt;
  Registers registers;
  registers.set(Register::kRsp, *stack);
  registers.set(Register::kRip, *code);
  return registers;
}

class Reader {
 public:
  explicit Reader(ProcessView& view)
      : view_(view), python_(PythonReader::find(view)), v8_(V8Reader::find(view)) {}

  std::vector<Frame> stack_of(Tid tid) {
    const auto registers = registers_of(view_.process(), tid);
    if (!registers) return {};
    std::vector<std::byte> copy(kStackBytes);
    const Address from{*registers->get(Register::kRsp)};
    copy.resize(view_.access().read_memory(view_.process(), from, copy));
    const Unwound unwound = Unwinder().unwind(view_, *registers, copy);
    auto frames =
        symbolizer_.frames(view_, unwound, v8_ ? v8_->names(unwound) : std::vector<NamedFrame>());
    if (!python_) return frames;
    const auto samples = python_->sample(tid);
    return merge_python(std::move(frames), samples, python_->names(samples), python_->module());
  }

 private:
  ProcessView& view_;
  Symbolizer symbolizer_;
  std::optional<PythonReader> python_;
  std::optional<V8Reader> v8_;
};

std::string key_of(const std::vector<Frame>& stack) {
  std::string key;
  for (const Frame& frame : stack) {
    key += frame.function + ':' + std::to_string(frame.line.value_or(0)) + '\n';
  }
  return key;
}

}  // namespace

std::size_t count_threads(Pid process) {
  return threads_of(process).size();
}

std::optional<ThreadStackFacts> usual_stack_of_newest(Pid process) {
  const ProcAccess access;
  ModuleCache modules;
  auto view = ProcessView::open(process, access, modules);
  if (!view) return std::nullopt;
  Reader reader(*view);
  std::vector<Tid> threads = threads_of(process);
  const std::size_t first = threads.size() > kNewest ? threads.size() - kNewest : 0;
  std::map<std::string, ThreadStackFacts> stacks;
  std::uint64_t sampled = 0;
  for (std::size_t t = first; t < threads.size(); ++t) {
    std::vector<Frame> stack = reader.stack_of(threads[t]);
    if (stack.empty()) continue;
    ++sampled;
    ThreadStackFacts& facts = stacks[key_of(stack)];
    facts.process = process;
    facts.stack = std::move(stack);
    ++facts.alike;
  }
  const auto most =
      std::ranges::max_element(stacks, {}, [](const auto& entry) { return entry.second.alike; });
  if (most == stacks.end()) return std::nullopt;
  most->second.sampled = sampled;
  return most->second;
}

}  // namespace plumb::app
