// SPDX-License-Identifier: Apache-2.0
// Goroutines and held requests as text, JSON and profile.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "detect/report/go_http_document.h"
#include "detect/report/goroutines_document.h"
#include "detect/report/pieces.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

class GoroutineReport : public testing::Test {
 protected:
  GoroutineReport() {
    snapshot_.process = Pid{812};
    snapshot_.name = "ser\nver";
    snapshot_.go_version = "go1.19.8";
    snapshot_.layout = "DWARF";
    snapshot_.wait_reasons = {"", "select"};
    for (int i = 0; i < 3; ++i) {
      Goroutine one;
      one.id = GoroutineId{static_cast<std::uint64_t>(i + 1)};
      one.state = GoroutineState::kWaiting;
      one.reason = 1;
      one.waited = std::chrono::seconds(60 * (i + 1));
      one.stack = stack({"runtime.gopark", "main.wait\x1b[31m", "runtime.goexit"});
      one.creator = stack({"main.start"});
      snapshot_.goroutines.push_back(one);
    }
    Goroutine own = snapshot_.goroutines.front();
    own.system = true;
    own.stack = stack({"runtime.gopark", "runtime.bgsweep"});
    snapshot_.goroutines.push_back(own);
  }
  StackNode stack(std::initializer_list<const char*> functions) {
    std::vector<FrameId> frames;
    for (const char* function : functions) {
      Frame frame;
      frame.kind = FrameKind::kGo;
      frame.function = function;
      frame.file = "/src/main.go";
      frame.line = 7;
      frames.push_back(snapshot_.stacks.intern(frame));
    }
    return snapshot_.stacks.add(frames);
  }

  GoroutineSnapshot snapshot_;
};

TEST_F(GoroutineReport, TextHidesTheRuntimeAndIsClean) {
  const auto document = goroutines_document(snapshot_, SystemGoroutines::kLeaveOut);
  EXPECT_EQ(document.left_out, 1u);
  const std::string text =
      written([&](const Sink& sink) { write_goroutines_text(document, Paper{}, sink); });
  EXPECT_EQ(text,
            "3 goroutines of ser\\nver(812) in 1 group · go1.19.8 · 1 of the runtime's own not "
            "shown (--all)\n\n"
            "3  select, for about 1m to 3m\n"
            "      main.wait\\e[31m  main.go:7\n"
            "    created by main.start  main.go:7\n");
}

TEST_F(GoroutineReport, JsonHasEveryMember) {
  const auto document = goroutines_document(snapshot_, SystemGoroutines::kKeep);
  const std::string text =
      written([&](const Sink& sink) { write_goroutines_json(document, sink); });
  const auto group = nlohmann::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(group["record"], "goroutine_group");
  EXPECT_EQ(group["count"], 3);
  EXPECT_EQ(group["doing"][0]["reason"], "select");
  EXPECT_EQ(group["longest"], 180);
  EXPECT_EQ(group["stack"].size(), 3u);
  EXPECT_EQ(group["members"].size(), 3u);
  EXPECT_EQ(group["creators"][0]["stack"][0]["function"], "main.start");
}

TEST_F(GoroutineReport, ARunningOneTellsItsBeginning) {
  snapshot_.goroutines.resize(1);
  Goroutine& one = snapshot_.goroutines.front();
  one.state = GoroutineState::kRunning;
  one.read = GoroutineStack::kRunning;
  one.thread = Tid{99};
  one.waited.reset();
  const auto document = goroutines_document(snapshot_, SystemGoroutines::kKeep);
  const std::string text =
      written([&](const Sink& sink) { write_goroutines_text(document, Paper{}, sink); });
  EXPECT_NE(text.find("1  running, goroutine 1 on thread 99\n"), std::string::npos) << text;
  EXPECT_NE(text.find("it began with"), std::string::npos) << text;
}

TEST_F(GoroutineReport, AnUnknownVersionIsSaid) {
  snapshot_.layout = "the table of Go 1.26 (guessed)";
  const auto document = goroutines_document(snapshot_, SystemGoroutines::kKeep);
  const std::string text =
      written([&](const Sink& sink) { write_goroutines_text(document, Paper{}, sink); });
  EXPECT_NE(text.find("the version of Go is unknown to plumb"), std::string::npos);
}

TEST_F(GoroutineReport, HeldRequestsAreCleanAndMasked) {
  GoHttpLeaks leaks;
  leaks.sites.resize(1);
  GoHttpSite& site = leaks.sites.front();
  site.stack = stack({"net/http.(*Transport).RoundTrip", "main.checkImages"});
  HeldRequest held;
  held.request.host = "h";
  held.request.path = "/\x1b]0;x";
  held.request.query = "token=hush";
  held.state = GoConnectionState::kBodyOpen;
  held.age = 90s;
  site.requests.push_back(held);
  site.states[static_cast<std::size_t>(GoConnectionState::kBodyOpen)] = 1;
  const GoHttpDocument document{.leaks = leaks,
                                .snapshot = snapshot_,
                                .losses = {.requests = 3},
                                .watched = 5min,
                                .min_age = 5s};
  const std::string text =
      written([&](const Sink& sink) { write_go_http_text(document, Paper{}, sink); });
  EXPECT_NE(text.find("1 connection leaked"), std::string::npos) << text;
  EXPECT_NE(text.find("GET h/\\e]0;x?token=…"), std::string::npos) << text;
  EXPECT_EQ(text.find("hush"), std::string::npos);
  EXPECT_NE(text.find("main.checkImages"), std::string::npos);
  EXPECT_NE(text.find("3 requests found no room"), std::string::npos);
  const std::string json = written([&](const Sink& sink) { write_go_http_json(document, sink); });
  const auto row = nlohmann::json::parse(json.substr(0, json.find('\n')));
  EXPECT_EQ(row["states"]["body_open"], 1);
  EXPECT_EQ(row["requests"][0]["state"], "body open");
  EXPECT_EQ(json.find("hush"), std::string::npos);
}

}  // namespace
}  // namespace plumb::detect
