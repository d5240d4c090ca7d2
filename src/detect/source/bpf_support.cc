// SPDX-License-Identifier: Apache-2.0
// libbpf's log, its errors in our words, and attaching.
#include "detect/source/bpf_support.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>

namespace plumb::detect {
namespace {

constexpr std::size_t kLogLimit = 8192;

// The one place where plumb keeps state outside of objects: libbpf's print function takes no
// context, so the innermost log of the thread has to be found from nothing.
thread_local BpfLog* innermost = nullptr;

int print(enum libbpf_print_level level, const char* format, va_list args) {
  if (level != LIBBPF_WARN || innermost == nullptr) return 0;
  char line[2048];
  const int length = std::vsnprintf(line, sizeof line, format, args);
  if (length > 0) innermost->append(line);
  return length;
}

const char* advice_for(int code) {
  switch (code) {
    case EPERM:
    case EACCES:
      return "BPF wants root, or CAP_BPF with CAP_PERFMON: run it with sudo";
    case ENOENT:
    case ESRCH:
      return "the kernel wants CONFIG_DEBUG_INFO_BTF, Linux 5.15 or newer; Debian's has it: apt "
             "install linux-image-amd64";
    case ENOTSUP:
    case EINVAL:
    case ENOSYS:
      return "the kernel is too old or built without it: Linux 5.15 or newer with BPF and BTF";
    case ENOMEM:
      return "not enough memory for BPF: free some, or raise RLIMIT_MEMLOCK before Linux 5.11";
    default:
      return "";
  }
}

}  // namespace

BpfLog::BpfLog() : outer_(innermost) {
  innermost = this;
  libbpf_set_print(print);
}

BpfLog::~BpfLog() {
  innermost = outer_;
}

void BpfLog::append(std::string_view text) {
  text_.append(text);
  if (text_.size() > kLogLimit) text_.erase(0, text_.size() - kLogLimit);
}

std::string BpfLog::cause() const {
  // The verifier's last word stands before its statistics, which stand before the end marker.
  constexpr std::string_view kMarks[] = {"\nprocessed ", "\n-- END PROG LOAD LOG"};
  std::string_view text = text_;
  bool verifier = false;
  for (const std::string_view mark : kMarks) {
    const auto at = text.find(mark);
    if (at == std::string_view::npos) continue;
    text = text.substr(0, at);
    verifier = true;
    break;
  }
  const auto line = verifier ? text.substr(text.rfind('\n') + 1) : text.substr(0, text.find('\n'));
  constexpr std::string_view kPrefix = "libbpf: ";
  return std::string(line.starts_with(kPrefix) ? line.substr(kPrefix.size()) : line);
}

Error bpf_failure(std::string operation, std::string object, int code, const BpfLog& log) {
  const std::string cause = log.cause();
  // Who may not is told what to do about that; libbpf guesses at the kernel and its limits.
  const bool forbidden = code == EPERM || code == EACCES;
  if (!cause.empty() && !forbidden) object.append(" [").append(cause).append("]");
  return fail(std::move(operation), std::move(object), code, advice_for(code));
}

Result<BpfLink> attach(bpf_program& program) {
  const BpfLog log;
  BpfLink link(bpf_program__attach(&program));
  if (!link) return bpf_failure("attach", bpf_program__name(&program), errno, log);
  return link;
}

}  // namespace plumb::detect
