// SPDX-License-Identifier: Apache-2.0
// Words.
#include "detect/finding/wording.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "detect/model/secrets.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::array<std::string_view, 34> kGoPackages = {
    "runtime", "syscall",  "internal", "net",    "os",      "io",      "bufio",  "crypto", "sync",
    "context", "reflect",  "time",     "fmt",    "log",     "bytes",   "sort",   "mime",   "html",
    "text",    "encoding", "database", "math",   "strings", "strconv", "errors", "path",   "regexp",
    "archive", "compress", "hash",     "unique", "iter",    "vendor",  "testing"};

// Of Go's own packages: the first part of the package's path is one of theirs.
bool is_go_library(std::string_view function) {
  const std::string_view first = function.substr(0, function.find_first_of("/."));
  return std::ranges::count(kGoPackages, first) > 0 || function.starts_with("golang.org/x/");
}

bool is_system_file(std::string_view path) {
  return path.starts_with("/usr/lib") || path.starts_with("/lib") || path.starts_with("<frozen") ||
         path.starts_with("node:") || path.find("/lib/python") != std::string_view::npos;
}

// A language's own library that is compiled into the program: Rust's, C++'s templates. Rust writes
// `<std::fs::File>::open` and `<dyn std::io::Read as ...>`.
bool is_compiled_in(const Frame& frame) {
  std::string_view name = frame.function;
  while (name.starts_with('<') || name.starts_with('&')) name.remove_prefix(1);
  for (const std::string_view library :
       {"std::", "core::", "alloc::", "__gnu_cxx::", "__rust", "hashbrown::", "uv_",
        "node::", "v8::", "Builtins_", "Perl_"}) {
    if (name.starts_with(library)) return true;
  }
  return frame.file.starts_with("/rustc/") || frame.file.starts_with("/usr/include/") ||
         frame.file.starts_with("/usr/src/rustc") ||
         frame.file.find("/uv/src/") != std::string::npos ||
         frame.file.find("/.cargo/registry/") != std::string::npos;
}

constexpr std::size_t kLongName = 60;

// A C++ function as its source writes it: strings by their usual names, and of a name that is long
// even so the parameters are left out.
std::string as_in_source(std::string name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kUsual = {
      std::pair{"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
                "std::string"},
      {"std::basic_string_view<char, std::char_traits<char> >", "std::string_view"}};
  for (const auto& [whole, usual] : kUsual) {
    for (auto at = name.find(whole); at != std::string::npos; at = name.find(whole, at)) {
      name.replace(at, whole.size(), usual);
    }
  }
  const std::size_t end = name.rfind(')');
  if (name.size() <= kLongName || end == std::string::npos) return name;
  std::size_t begin = end;
  for (int depth = 1; begin > 0 && depth > 0;) {
    --begin;
    depth += name[begin] == ')' ? 1 : name[begin] == '(' ? -1 : 0;
  }
  if (name[begin] == '(' && end > begin + 1) name.replace(begin + 1, end - begin - 1, "…");
  return name;
}

// A program that runs scripts, by the name of its file without a version: a function of it says
// nothing of whose script it is that calls it.
bool is_interpreter(std::string_view module) {
  constexpr std::array<std::string_view, 20> kInterpreters = {
      "bash",   "sh",      "dash",    "zsh",       "ksh",     "perl",   "ruby",
      "php",    "php-fpm", "php-cgi", "luajit",    "pypy",    "lua",    "node",
      "python", "tclsh",   "wish",    "libpython", "libruby", "libperl"};
  std::string_view name = module.substr(module.rfind('/') + 1);
  name = name.substr(0, name.find(".so"));
  name = name.substr(0, name.find_last_not_of("0123456789.-") + 1);
  return std::ranges::count(kInterpreters, name) > 0;
}

// Runs scripts whose functions are nowhere in the stack.
bool is_of_interpreter(const Frame& frame) {
  return std::ranges::any_of(
      std::array<std::string_view, 4>{"Perl_", "node::", "v8::", "Builtins_"},
      [&](std::string_view start) { return frame.function.starts_with(start); });
}

// What is in a stack decides what the functions in it may be.
struct Company {
  bool scripts = false;  // an interpreter's functions are nobody's own
  bool go = false;       // an inlined function may be one of Go's own packages
};

bool is_own(const Frame& frame, Company with) {
  if (frame.function.empty() || is_compiled_in(frame)) return false;
  switch (frame.kind) {
    case FrameKind::kGo:
      return !is_go_library(frame.function);
    case FrameKind::kPython:
      return !is_system_file(frame.file);
    case FrameKind::kJit:
      return frame.function.find("node:") == std::string::npos && !frame.file.starts_with("node:");
    case FrameKind::kInlined:
      if (with.go && is_go_library(frame.function)) return false;
      [[fallthrough]];
    case FrameKind::kNative:
      return !with.scripts && !is_system_file(frame.module) && !is_interpreter(frame.module) &&
             frame.function != "_start";
  }
  return false;
}

Company company_of(const std::vector<Frame>& stack) {
  Company company;
  for (const Frame& frame : stack) {
    const bool script = frame.kind == FrameKind::kPython && !is_system_file(frame.file);
    const bool generated = frame.kind == FrameKind::kJit && is_own(frame, {});
    company.scripts |= script || generated || is_of_interpreter(frame);
    company.go |= frame.kind == FrameKind::kGo;
  }
  return company;
}

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kCritical:
      return "critical";
  }
  return "";
}

std::string name_with_pid(const Survey& survey, ProcessIndex index) {
  const Process& process = survey.processes[number(index)];
  return fmt::format("{}({})", survey.texts.at(process.name), number(process.key.pid));
}

Subject subject_of(const Survey& survey, ProcessIndex index) {
  const Process& process = survey.processes[number(index)];
  return {process.key, std::string(survey.texts.at(process.name))};
}

std::string short_command(std::string_view command, std::size_t most) {
  std::string text = masked_text(command);
  if (text.size() <= most) return text;
  const std::size_t tail = most / 2;
  return text.substr(0, most - tail - 3) + "…" + text.substr(text.size() - tail);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", human_count(count), count == 1 ? one : many);
}

std::string rate_text(double per_second) {
  const auto digits = [](double value) {
    return value >= 10 ? fmt::format("{:.0f}", value) : fmt::format("{:.2g}", value);
  };
  if (per_second >= 1) return "+" + digits(per_second) + "/s";
  if (per_second >= 1.0 / 60) return "+" + digits(per_second * 60) + "/min";
  return "+" + digits(per_second * 3600) + "/h";
}

std::string endpoint_text(const IpEndpoint& endpoint, bool ipv6) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool any = std::ranges::all_of(endpoint.address, [](auto byte) { return byte == 0; });
  if (any) return fmt::format(":{}", endpoint.port);
  ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, endpoint.address.data(), text.data(), text.size());
  return fmt::format(fmt::runtime(ipv6 ? "[{}]:{}" : "{}:{}"), text.data(), endpoint.port);
}

std::string socket_text(const Survey& survey, const Socket& socket) {
  if (socket.family == AF_UNIX) {
    std::string path(survey.texts.at(socket.path));
    if (path.empty()) return "unix socket";
    if (path.front() == '\0') path.front() = '@';
    return path;
  }
  std::string text = endpoint_text(socket.local, socket.ipv6);
  if (socket.remote.port != 0) text += " ↔ " + endpoint_text(socket.remote, socket.ipv6);
  return text;
}

std::string frame_text(const Frame& frame) {
  std::string name = as_in_source(frame.function);
  if (name.empty() && !frame.module.empty() && frame.elf_address) {
    name = fmt::format("{}+{:#x}", frame.module.substr(frame.module.rfind('/') + 1),
                       number(*frame.elf_address));
  }
  if (name.empty()) name = "?";
  if (frame.file.empty()) return name;
  const std::string file = frame.file.substr(frame.file.rfind('/') + 1);
  return frame.line ? fmt::format("{} ({}:{})", name, file, *frame.line)
                    : fmt::format("{} ({})", name, file);
}

std::vector<Frame> frames_of(const StackStore& stacks, StackNode stack) {
  std::vector<Frame> frames;
  for (const FrameId id : stacks.frames(stack)) frames.push_back(stacks.frame(id));
  return frames;
}

std::string unnamed_code_advice(const std::vector<Frame>& stack, Pid process) {
  const auto begins = [&](std::string_view start) {
    return std::ranges::any_of(
        stack, [&](const Frame& frame) { return frame.function.starts_with(start); });
  };
  const auto within = [&](std::string_view library) {
    return std::ranges::any_of(
        stack, [&](const Frame& frame) { return frame.module.find(library) != std::string::npos; });
  };
  const bool javascript = begins("node::") || begins("Builtins_");
  if ((begins("uv__") || within("/libuv.so")) && !javascript) {
    return "a thread of libuv works for others here, who are in no stack";
  }
  if (javascript || (begins("uv_") && within("/node"))) {
    const bool named = std::ranges::any_of(
        stack, [](const Frame& frame) { return frame.file.starts_with("node:"); });
    if (named) return "only node's own JavaScript was running: the program asked for it earlier";
    if (!begins("Builtins_")) return "no JavaScript was running: node's event loop did it";
    return "its JavaScript functions are named where node runs with --perf-basic-prof";
  }
  if (within("/libruby")) return "its Ruby functions are not seen from outside";
  if (begins("Perl_")) return "its Perl functions are not seen from outside";
  if (within("/libjvm.so") || within("/libjava.so") || within("/libnio.so")) {
    return fmt::format("its Java functions are not seen from outside: jcmd {} Thread.print",
                       number(process));
  }
  if (std::ranges::any_of(stack, [](const Frame& f) { return is_interpreter(f.module); })) {
    return "the functions of its script are not seen from outside";
  }
  return {};
}

const Frame* guilty_frame(const std::vector<Frame>& stack) {
  const Company company = company_of(stack);
  // What stands within Go's database/sql is the database's driver: whoever asked stands outside.
  const auto asked = std::ranges::find_if(stack.rbegin(), stack.rend(), [](const Frame& frame) {
    return frame.function.starts_with("database/sql.");
  });
  for (auto frame = asked == stack.rend() ? stack.begin() : asked.base(); frame != stack.end();
       ++frame) {
    if (is_own(*frame, company)) return &*frame;
  }
  // A stripped program: its address in the file is what its makers can look up.
  const auto nameless = std::ranges::find_if(stack, [&](const Frame& frame) {
    return !company.scripts && frame.kind == FrameKind::kNative && frame.function.empty() &&
           frame.elf_address && !frame.module.empty() && !is_system_file(frame.module) &&
           !is_interpreter(frame.module);
  });
  return nameless == stack.end() ? nullptr : &*nameless;
}

bool same_guilty(const std::vector<Frame>& left, const std::vector<Frame>& right) {
  const Frame* one = guilty_frame(left);
  const Frame* other = guilty_frame(right);
  return one != nullptr && other != nullptr && !one->function.empty() &&
         one->function == other->function && one->file == other->file;
}

std::string callers_text(const std::vector<Frame>& stack) {
  constexpr std::size_t kMost = 3;
  const Frame* guilty = guilty_frame(stack);
  if (guilty == nullptr) return {};
  Company company = company_of(stack);
  company.scripts = guilty->kind == FrameKind::kPython ||
                    (guilty->kind == FrameKind::kJit && !guilty->file.empty());
  std::string text;
  std::size_t told = 0;
  for (auto at = stack.begin() + (guilty - stack.data()) + 1; at != stack.end(); ++at) {
    // A template of the standard library stands in the program's own file.
    if (!is_own(*at, company) || at->function.starts_with("std::")) continue;
    if (told++ == kMost) break;
    text += (text.empty() ? "" : " ← ") + frame_text(*at);
  }
  return text;
}

}  // namespace plumb::detect
