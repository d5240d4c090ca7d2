// SPDX-License-Identifier: Apache-2.0
// Telling a program's frames from a library's, by names and places alone.
#include "detect/report/own_frame.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "detect/report/terminal.h"

namespace plumb::detect {
namespace {

bool starts_with_any(std::string_view text, std::span<const std::string_view> starts) {
  return std::ranges::any_of(starts,
                             [&](std::string_view start) { return text.starts_with(start); });
}

// The first element of an import path: Go's standard library, by `go list std` of Go 1.19 to 1.25.
bool is_go_library(std::string_view function) {
  static constexpr auto kStandard = std::to_array<std::string_view>(
      {"archive", "arena",    "bufio",   "bytes",   "cmp",      "compress", "container", "context",
       "crypto",  "database", "debug",   "embed",   "encoding", "errors",   "expvar",    "flag",
       "fmt",     "go",       "hash",    "html",    "image",    "index",    "internal",  "io",
       "iter",    "log",      "maps",    "math",    "mime",     "net",      "os",        "path",
       "plugin",  "reflect",  "regexp",  "runtime", "slices",   "sort",     "strconv",   "strings",
       "structs", "sync",     "syscall", "testing", "text",     "time",     "unicode",   "unique",
       "unsafe",  "vendor",   "weak"});
  const std::string_view element = function.substr(0, function.find_first_of("/."));
  return std::ranges::binary_search(kStandard, element);
}

// "<frozen os>" is the interpreter's, "<string>" what stands behind python3 -c.
bool is_python_library(std::string_view file) {
  const bool typed = file == "<string>" || file == "<stdin>";
  return (file.starts_with('<') && !typed) || file.find("/lib/python3") != std::string_view::npos ||
         file.find("/dist-packages/") != std::string_view::npos;
}

bool is_native_library(const Frame& frame) {
  static constexpr auto kFolders =
      std::to_array<std::string_view>({"/lib/", "/lib64/", "/usr/lib", "/usr/local/lib/", "["});
  // Runtimes that are linked into the program itself.
  static constexpr auto kRuntimes = std::to_array<std::string_view>(
      {"std::", "core::", "alloc::", "<std::", "<core::", "<alloc::", "<&",
       "__gnu_cxx::", "__libc_", "_start", "v8::", "node::", "Builtins_", "uv_", "__rust_"});
  static constexpr auto kSources =
      std::to_array<std::string_view>({"/rustc/", "library/std/", "library/core/", "../sysdeps/"});
  return starts_with_any(frame.module, kFolders) || starts_with_any(frame.function, kRuntimes) ||
         starts_with_any(frame.file, kSources);
}

bool is_own(const Frame& frame) {
  switch (frame.kind) {
    case FrameKind::kGo:
      return !is_go_library(frame.function);
    case FrameKind::kPython:
      return !is_python_library(frame.file);
    case FrameKind::kJit:
      return !frame.file.empty() && !frame.file.starts_with("node:");
    case FrameKind::kNative:
      return !is_native_library(frame);
    case FrameKind::kInlined:
      // Go's inlined calls have the runtime's and the library's names too.
      return !is_native_library(frame) &&
             !(frame.file.ends_with(".go") && is_go_library(frame.function));
  }
  return false;
}

bool is_managed(const Frame& frame) {
  return frame.kind == FrameKind::kPython || (frame.kind == FrameKind::kJit && !frame.file.empty());
}

// What every acquire goes through: the C library, and in Go the packages below those that people
// use.
bool is_low(const Frame& frame) {
  static constexpr auto kLow = std::to_array<std::string_view>(
      {"runtime.", "runtime/", "internal/", "syscall.", "net.", "os."});
  if (frame.kind == FrameKind::kGo || frame.file.ends_with(".go")) {
    return starts_with_any(frame.function, kLow);
  }
  const std::string_view file = std::string_view(frame.module).substr(frame.module.rfind('/') + 1);
  return file.starts_with("libc.") || file.starts_with("libc-") || file.starts_with("ld-linux");
}

// Skips from an opening bracket to the one that closes it; to the end where none does.
std::size_t behind_bracket(std::string_view text, std::size_t at, char open, char close) {
  int depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == open) ++depth;
    if (text[at] == close && (at == 0 || text[at - 1] != '-') && --depth == 0) return at + 1;
  }
  return text.size();
}

}  // namespace

std::vector<bool> own_frames(std::span<const Frame* const> stack) {
  // Where an interpreter's frames are known, the program is what it interprets.
  const bool managed = std::ranges::any_of(
      stack, [](const Frame* frame) { return is_managed(*frame) && is_own(*frame); });
  std::vector<bool> own;
  own.reserve(stack.size());
  for (const Frame* frame : stack) {
    own.push_back(is_own(*frame) && (!managed || is_managed(*frame)));
  }
  return own;
}

std::vector<std::size_t> telling_frames(std::span<const Frame* const> stack) {
  const auto own = own_frames(stack);
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    if (own[i]) found.push_back(i);
  }
  if (!found.empty()) return found;
  const auto outside =
      std::ranges::find_if(stack, [](const Frame* frame) { return !is_low(*frame); });
  if (outside != stack.end()) found.push_back(static_cast<std::size_t>(outside - stack.begin()));
  return found;
}

std::string short_function(const Frame& frame) {
  if (frame.function.empty()) return "?";
  const std::string full = clean(frame.function);
  const bool native = frame.kind == FrameKind::kNative || frame.kind == FrameKind::kInlined;
  if (!native || full.starts_with('<') || frame.file.ends_with(".go")) return full;
  std::string text;
  for (std::size_t at = 0; at < full.size();) {
    const std::string_view rest = std::string_view(full).substr(at);
    const bool named =
        !text.empty() && (std::isalnum(static_cast<unsigned char>(text.back())) != 0 ||
                          text.back() == '_' || text.back() == ':');
    if (rest.starts_with("(anonymous namespace)")) {
      text += "(anonymous namespace)";
      at += std::string_view("(anonymous namespace)").size();
    } else if (rest[0] == '<' && named && !text.ends_with("operator")) {
      const std::size_t end = behind_bracket(full, at, '<', '>');
      text += "<…>";
      at = end;
    } else if (rest.starts_with("operator()")) {
      text += "operator()";
      at += std::string_view("operator()").size();
    } else if (rest[0] == '(') {
      const std::size_t end = behind_bracket(full, at, '(', ')');
      text += end - at > 2 ? "(…)" : "()";
      at = end;
    } else {
      text += full[at++];
    }
  }
  return text;
}

}  // namespace plumb::detect
