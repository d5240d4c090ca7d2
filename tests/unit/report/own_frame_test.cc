// SPDX-License-Identifier: Apache-2.0
#include "detect/report/own_frame.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

Frame native(std::string function, std::string module = "/srv/shop", std::string file = "") {
  Frame frame;
  frame.function = std::move(function);
  frame.module = std::move(module);
  frame.file = std::move(file);
  return frame;
}

Frame of_kind(FrameKind kind, std::string function, std::string file) {
  Frame frame;
  frame.kind = kind;
  frame.function = std::move(function);
  frame.file = std::move(file);
  return frame;
}

// The own functions of a stack, innermost first.
std::string own(const std::vector<Frame>& stack) {
  std::vector<const Frame*> pointers;
  for (const Frame& frame : stack) pointers.push_back(&frame);
  const auto flags = own_frames(pointers);
  std::string text;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (flags[i]) text += (text.empty() ? "" : " ") + stack[i].function;
  }
  return text;
}

const std::string kLibc = "/usr/lib/x86_64-linux-gnu/libc.so.6";

TEST(OwnFrames, NativeProgramsAreNotTheirLibraries) {
  EXPECT_EQ(own({native("__open64", kLibc), native("fopen_it", "/usr/lib/libshop.so.1"),
                 native("read_settings"), native("main"), native("__libc_start_main", kLibc),
                 native("_start")}),
            "read_settings main");
  EXPECT_EQ(own({native("__open64", "/srv/static", "../sysdeps/unix/sysv/linux/open64.c"),
                 native("read_settings", "/srv/static"), native("_start", "/srv/static")}),
            "read_settings");
  EXPECT_EQ(own({native("__libc_open64", kLibc), native("std::basic_filebuf<char>::open()"),
                 native("shop::read()")}),
            "shop::read()");
}

TEST(OwnFrames, GoByItsImportPaths) {
  EXPECT_EQ(own({of_kind(FrameKind::kGo, "syscall.Syscall6", "/usr/lib/go/src/syscall/a.s"),
                 of_kind(FrameKind::kInlined, "os.Open", "/usr/lib/go/src/os/file.go"),
                 of_kind(FrameKind::kGo, "net/http.(*Transport).dialConn", "x.go"),
                 of_kind(FrameKind::kGo, "github.com/shop/pool.(*Pool).Get", "pool.go"),
                 of_kind(FrameKind::kInlined, "shop/internal.read", "read.go"),
                 of_kind(FrameKind::kGo, "main.main", "main.go"),
                 of_kind(FrameKind::kGo, "runtime.goexit", "asm.s")}),
            "github.com/shop/pool.(*Pool).Get shop/internal.read main.main");
}

TEST(OwnFrames, InterpretedProgramsAreNotTheirInterpreter) {
  EXPECT_EQ(own({native("__socket", kLibc), native("sock_initobj", "/usr/lib/python3.11/x.so"),
                 of_kind(FrameKind::kPython, "create_connection", "/usr/lib/python3.11/socket.py"),
                 of_kind(FrameKind::kPython, "ask", "/srv/shop.py"),
                 of_kind(FrameKind::kPython, "_call", "<frozen importlib._bootstrap>"),
                 native("main", "/srv/embedding")}),
            "ask");
  EXPECT_EQ(own({native("__open64", kLibc), of_kind(FrameKind::kPython, "leak", "<string>"),
                 of_kind(FrameKind::kPython, "<module>", "<stdin>")}),
            "leak <module>");
  EXPECT_EQ(
      own({native("uv_fs_open", "/usr/bin/node"), native("v8::internal::Invoke()", "/usr/bin/node"),
           of_kind(FrameKind::kJit, "openSync", "node:fs"),
           of_kind(FrameKind::kJit, "serve", "/srv/app.js"), native("something", "/usr/bin/node")}),
      "serve");
}

TEST(OwnFrames, WhereNoneIsTheInnermostOutsideTheCLibraryTells) {
  const Frame call = native("__socket", kLibc);
  const Frame library = native("curl_connect", "/usr/lib/libcurl.so.4");
  const std::vector<const Frame*> stack{&call, &library, &call};
  EXPECT_EQ(own({call, library, call}), "");
  EXPECT_EQ(telling_frames(stack), std::vector<std::size_t>{1});
  EXPECT_TRUE(telling_frames(std::vector<const Frame*>{&call}).empty());
}

TEST(ShortFunction, WithoutArgumentsOfTemplatesAndCalls) {
  const auto shortened = [](std::string name) { return short_function(native(std::move(name))); };
  EXPECT_EQ(shortened("shop::Cache<std::string, std::less<int> >::reload(std::string const&)"),
            "shop::Cache<…>::reload(…)");
  EXPECT_EQ(shortened("shop::Watcher::operator()() const"), "shop::Watcher::operator()() const");
  EXPECT_EQ(shortened("shop::operator<(A<int> const&, B)"), "shop::operator<(…)");
  EXPECT_EQ(shortened("(anonymous namespace)::ring()"), "(anonymous namespace)::ring()");
  EXPECT_EQ(shortened("shop::broken<int"), "shop::broken<…>");
  EXPECT_EQ(shortened("<std::os::fd::OwnedFd>::try_clone"), "<std::os::fd::OwnedFd>::try_clone");
  EXPECT_EQ(shortened("read_settings"), "read_settings");
  EXPECT_EQ(shortened(""), "?");
  EXPECT_EQ(short_function(of_kind(FrameKind::kGo, "main.(*Shop).Open", "m.go")),
            "main.(*Shop).Open");
  EXPECT_EQ(short_function(of_kind(FrameKind::kPython, "f.<locals>.<lambda>", "m.py")),
            "f.<locals>.<lambda>");
}

}  // namespace
}  // namespace plumb::detect
