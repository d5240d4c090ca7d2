// SPDX-License-Identifier: Apache-2.0
// Stopping of programs through ptrace.
#include "traced_process.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

namespace plumb::detect {

TracedProcess::TracedProcess(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  process_ = ::fork();
  if (process_ == 0) {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int standard : {0, 1, 2}) ::dup2(null, standard);
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::execv(arguments[0], arguments.data());
    std::_Exit(127);
  }
  int status = 0;
  ::waitpid(process_, &status, 0);
  const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
                       PTRACE_O_TRACEVFORK | PTRACE_O_TRACEFORK;
  ::ptrace(PTRACE_SETOPTIONS, process_, nullptr, options);
  stopped_ = process_;
  seen_.insert(process_);
}

TracedProcess::~TracedProcess() {
  // A stopped vfork child would keep its parent, and us, waiting for ever.
  for (const pid_t thread : seen_) ::kill(thread, SIGKILL);
  int status = 0;
  while (::waitpid(-1, &status, __WALL) > 0) {
  }
}

std::optional<pid_t> TracedProcess::wait_for_stop() {
  for (;;) {
    int status = 0;
    const pid_t thread = ::waitpid(-1, &status, __WALL);
    if (thread < 0) return std::nullopt;
    if (!WIFSTOPPED(status)) {
      if (thread == process_) return std::nullopt;
      continue;
    }
    seen_.insert(thread);
    const int signal = WSTOPSIG(status);
    const bool ours = signal == (SIGTRAP | 0x80) || signal == SIGTRAP || signal == SIGSTOP;
    pending_signal_ = ours ? 0 : signal;
    in_call_ = status >> 16 != 0;
    return thread;
  }
}

std::optional<pid_t> TracedProcess::next_call() {
  if (stopped_ != 0) ::ptrace(PTRACE_SYSCALL, stopped_, nullptr, pending_signal_);
  pending_signal_ = 0;
  const auto thread = wait_for_stop();
  stopped_ = thread.value_or(0);
  return thread;
}

// Whether the thread's next step may wait for another one, which would wait for us.
bool TracedProcess::may_block(pid_t thread) const {
  __ptrace_syscall_info call{};
  ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(call), &call);
  if (call.op == PTRACE_SYSCALL_INFO_ENTRY) return true;
  std::array<std::byte, 2> code{};
  access_.read_memory(Pid{thread}, Address{call.instruction_pointer}, code);
  return code == std::array{std::byte{0x0f}, std::byte{0x05}};
}

TracedProcess::Stepped TracedProcess::step(pid_t thread) {
  if (in_call_ || may_block(thread)) return Stepped::kNot;
  ::ptrace(PTRACE_SINGLESTEP, thread, nullptr, pending_signal_);
  pending_signal_ = 0;
  int status = 0;
  if (::waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status)) {
    stopped_ = 0;
    return Stepped::kEnded;
  }
  const int signal = WSTOPSIG(status);
  if (signal == SIGTRAP && status >> 16 == 0) return Stepped::kOne;
  const bool ours = signal == SIGTRAP || signal == (SIGTRAP | 0x80) || signal == SIGSTOP;
  pending_signal_ = ours ? 0 : signal;
  return Stepped::kNot;
}

Snapshot TracedProcess::snapshot(pid_t thread, std::size_t stack_bytes) const {
  Snapshot taken;
  taken.thread = thread;
  user_regs_struct raw{};
  ::ptrace(PTRACE_GETREGS, thread, nullptr, &raw);
  Registers& to = taken.registers;
  to.set(Register::kRax, raw.rax);
  to.set(Register::kRdx, raw.rdx);
  to.set(Register::kRcx, raw.rcx);
  to.set(Register::kRbx, raw.rbx);
  to.set(Register::kRsi, raw.rsi);
  to.set(Register::kRdi, raw.rdi);
  to.set(Register::kRbp, raw.rbp);
  to.set(Register::kRsp, raw.rsp);
  to.set(Register::kR8, raw.r8);
  to.set(Register::kR9, raw.r9);
  to.set(Register::kR10, raw.r10);
  to.set(Register::kR11, raw.r11);
  to.set(Register::kR12, raw.r12);
  to.set(Register::kR13, raw.r13);
  to.set(Register::kR14, raw.r14);
  to.set(Register::kR15, raw.r15);
  to.set(Register::kRip, raw.rip);
  // As a tracer in the kernel would: as much as there is, page by page.
  taken.stack.resize(stack_bytes);
  std::size_t done = 0;
  while (done < stack_bytes) {
    const std::uint64_t at = raw.rsp + done;
    const std::size_t wanted = std::min<std::size_t>(stack_bytes - done, 4096 - at % 4096);
    const std::size_t got =
        access_.read_memory(Pid{thread}, Address{at}, std::span(taken.stack).subspan(done, wanted));
    done += got;
    if (got < wanted) break;
  }
  taken.stack.resize(done);
  return taken;
}

}  // namespace plumb::detect
