// SPDX-License-Identifier: Apache-2.0
// Masks, rates and the guilty frame.
#include "detect/finding/wording.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(RateText, TakesTheUnitThatReadsBest) {
  EXPECT_EQ(rate_text(12), "+12/s");
  EXPECT_EQ(rate_text(0.2), "+12/min");
  EXPECT_EQ(rate_text(0.01), "+36/h");
}

Frame go(const char* function) {
  Frame frame;
  frame.kind = FrameKind::kGo;
  frame.function = function;
  return frame;
}

TEST(GuiltyFrame, IsTheFirstOneOfTheProgramItself) {
  const std::vector<Frame> stack{go("syscall.socket"), go("net.(*sysDialer).dialSingle"),
                                 go("net/http.(*Transport).dialConn"),
                                 go("github.com/acme/registry.fetch"), go("main.main")};
  ASSERT_NE(guilty_frame(stack), nullptr);
  EXPECT_EQ(guilty_frame(stack)->function, "github.com/acme/registry.fetch");
}

TEST(GuiltyFrame, IsWhoAsksADatabaseNotItsDriver) {
  const std::vector<Frame> stack{go("syscall.socket"),          go("github.com/lib/pq.dial"),
                                 go("database/sql.(*DB).conn"), go("database/sql.(*DB).Query"),
                                 go("main.countUsers"),         go("main.main")};
  ASSERT_NE(guilty_frame(stack), nullptr);
  EXPECT_EQ(guilty_frame(stack)->function, "main.countUsers");
}

TEST(GuiltyFrame, PrefersPythonOverTheInterpreter) {
  Frame interpreter;
  interpreter.function = "_PyEval_EvalFrameDefault";
  interpreter.module = "/usr/bin/python3.11";
  Frame library;
  library.kind = FrameKind::kPython;
  library.function = "create_connection";
  library.file = "/usr/lib/python3.11/socket.py";
  Frame own;
  own.kind = FrameKind::kPython;
  own.function = "poll_forever";
  own.file = "/srv/app.py";
  EXPECT_EQ(guilty_frame({interpreter, library, own})->function, "poll_forever");
}

TEST(GuiltyFrame, IsNoneOfWhatRustAndNodeCompileIn) {
  const auto native = [](const char* function, const char* file = "") {
    Frame frame;
    frame.function = function;
    frame.file = file;
    frame.module = "/srv/program";
    return frame;
  };
  const std::vector<Frame> rust{
      native("<std::fs::File>::open", "/rustc/90b35a/library/std/src/fs.rs"),
      native("store::Store::open_segment", "/srv/src/main.rs")};
  EXPECT_EQ(guilty_frame(rust)->function, "store::Store::open_segment");
  const std::vector<Frame> node{native("uv__fs_open"), native("node::fs::Open"),
                                native("Builtins_InterpreterEntryTrampoline")};
  EXPECT_EQ(guilty_frame(node), nullptr);
  EXPECT_NE(unnamed_code_advice(node, Pid{7}).find("--perf-basic-prof"), std::string::npos);
  EXPECT_EQ(unnamed_code_advice(rust, Pid{7}), "");
}

TEST(GuiltyFrame, IsTheJavaScriptFunctionAboveNodesOwn) {
  const auto native = [](const char* function) {
    Frame frame;
    frame.function = function;
    frame.module = "/usr/bin/node";
    return frame;
  };
  const auto javascript = [](const char* function, const char* file) {
    Frame frame;
    frame.kind = FrameKind::kJit;
    frame.function = function;
    frame.file = file;
    frame.line = 7;
    return frame;
  };
  std::vector<Frame> stack{native("uv__fs_open"),
                           native("node::fs::Open"),
                           javascript("openSync", "node:fs"),
                           javascript("readSettings", "/srv/app.js"),
                           javascript("serve", "/srv/app.js"),
                           javascript("listOnTimeout", "node:internal/timers"),
                           native("main")};
  ASSERT_NE(guilty_frame(stack), nullptr);
  EXPECT_EQ(guilty_frame(stack)->function, "readSettings");
  EXPECT_EQ(callers_text(stack), "serve (app.js:7)");
  stack.erase(stack.begin() + 3, stack.begin() + 5);
  EXPECT_EQ(guilty_frame(stack), nullptr);
  EXPECT_NE(unnamed_code_advice(stack, Pid{7}).find("earlier"), std::string::npos);
  const std::vector<Frame> loop{native("uv__server_io"), native("node::SpinEventLoop")};
  EXPECT_NE(unnamed_code_advice(loop, Pid{7}).find("no JavaScript"), std::string::npos);
}

TEST(FrameText, IsAsTheSourceWritesIt) {
  const auto text_of = [](const char* function) {
    Frame frame;
    frame.function = function;
    return frame_text(frame);
  };
  const std::string string =
      "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
  EXPECT_EQ(text_of(("log(" + string + " const&)").c_str()), "log(std::string const&)");
  EXPECT_EQ(
      text_of(("shop::Renderer::render(" + string + " const&, " + string + ", bool, int)").c_str()),
      "shop::Renderer::render(…)");
  EXPECT_EQ(text_of("plumb::main_of_a_very_long_name_indeed::{lambda(int)#1}::operator()() const"),
            "plumb::main_of_a_very_long_name_indeed::{lambda(int)#1}::operator()() const");
  EXPECT_EQ(text_of("a_name_in_c_that_is_longer_than_any_name_has_any_right_to_be_at_all)"),
            "a_name_in_c_that_is_longer_than_any_name_has_any_right_to_be_at_all)");
}

TEST(GuiltyFrame, IsNoneOfGosOwnThatWereInlined) {
  Frame inlined = go("syscall.Open");
  inlined.kind = FrameKind::kInlined;
  const std::vector<Frame> stack{go("syscall.openat"), inlined, go("os.Open"), go("main.load")};
  EXPECT_EQ(guilty_frame(stack)->function, "main.load");
  inlined.function = "main.read";
  EXPECT_EQ(guilty_frame({go("os.Open"), inlined})->function, "main.read");
}

TEST(GuiltyFrame, IsNoneOfAnInterpreters) {
  Frame shell;
  shell.function = "do_redirections";
  shell.module = "/usr/bin/bash";
  Frame nameless;
  nameless.module = "/usr/local/bin/ruby3.1";
  nameless.elf_address = ElfAddress{0x110a};
  EXPECT_EQ(guilty_frame({shell}), nullptr);
  EXPECT_EQ(guilty_frame({nameless}), nullptr);
  Frame pages;
  pages.function = "php_network_connect_socket_to_host";
  pages.module = "/usr/sbin/php-fpm8.2";
  EXPECT_EQ(guilty_frame({pages}), nullptr);
  EXPECT_NE(unnamed_code_advice({shell}, Pid{7}).find("script"), std::string::npos);
  shell.module = "/opt/python/lib/libpython3.11.so.1.0";
  EXPECT_EQ(guilty_frame({shell}), nullptr);
  shell.module = "/srv/basher";
  EXPECT_NE(guilty_frame({shell}), nullptr);
}

TEST(GuiltyFrame, IsNoneOfAThreadPoolThatWorksForOthers) {
  Frame worker;
  worker.function = "worker";
  worker.file = "../deps/uv/src/threadpool.c";
  worker.module = "/usr/bin/program";
  Frame work;
  work.function = "uv__fs_work";
  EXPECT_EQ(guilty_frame({work, worker}), nullptr);
  EXPECT_NE(unnamed_code_advice({work, worker}, Pid{7}).find("libuv"), std::string::npos);
}

TEST(GuiltyFrame, IsNoneOfTheSystems) {
  Frame libc;
  libc.function = "open64";
  libc.module = "/usr/lib/x86_64-linux-gnu/libc.so.6";
  EXPECT_EQ(guilty_frame({libc}), nullptr);
}

}  // namespace
}  // namespace plumb::detect
