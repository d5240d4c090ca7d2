// SPDX-License-Identifier: Apache-2.0
// Masks, rates and the guilty frame.
#include "detect/finding/wording.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(Masked, HidesWhatKeysPromise) {
  EXPECT_EQ(masked("curl -H 'Authorization: Bearer abc' http://x/"),
            "curl -H 'Authorization: ***' http://x/");
  EXPECT_EQ(masked("curl http://x/?api_key=abc&q=1"), "curl http://x/?api_key=***&q=1");
  EXPECT_EQ(masked("psql postgres://joe:secret@db/x"), "psql postgres://***@db/x");
  EXPECT_EQ(masked("tool --password hunter2 file"), "tool --password *** file");
  EXPECT_EQ(masked("tool --token=abc"), "tool --token=***");
  EXPECT_EQ(masked("-H Cookie:sid=1"), "-H Cookie:***");
}

TEST(Masked, LeavesOtherWordsAlone) {
  EXPECT_EQ(masked("vim cookies.txt"), "vim cookies.txt");
  EXPECT_EQ(masked("curl http://host/a@b"), "curl http://host/a@b");
  EXPECT_EQ(masked(""), "");
}

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

TEST(GuiltyFrame, IsNoneOfTheSystems) {
  Frame libc;
  libc.function = "open64";
  libc.module = "/usr/lib/x86_64-linux-gnu/libc.so.6";
  EXPECT_EQ(guilty_frame({libc}), nullptr);
}

}  // namespace
}  // namespace plumb::detect
