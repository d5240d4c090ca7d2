// SPDX-License-Identifier: Apache-2.0
// A trace that is made by hand: a C++ server that leaks connections, a Python program, a Node
// program, a Go listener that a finalizer closed, things open before, and some losses.
#pragma once

#include <string>
#include <vector>

#include "detect/report/trace_document.h"

namespace plumb::detect {

struct TracedMachine {
  TracedMachine() {
    process(100, "server");
    process(200, "python3");
    process(300, "node");
    process(400, "listen");
    learn(16, Kind::kTcp, 288,
          {native("accept4", "/usr/lib/x86_64-linux-gnu/libc.so.6", "accept4.c", 31),
           native("shop::Pool<std::string, std::less<std::string> >::take(std::string const&, int)",
                  "/srv/bin/server", "/src/shop/pool.cc", 118),
           native("shop::serve_customer(shop::Order const&)", "/srv/bin/server", "", 0),
           native("", "/srv/bin/server", "", 0),
           native("__libc_start_call_main", "/usr/lib/x86_64-linux-gnu/libc.so.6",
                  "libc_start_call_main.h", 58),
           native("_start", "/srv/bin/server", "", 0)});
    learn(17, Kind::kFile, 257,
          {native("__open64", "/usr/lib/x86_64-linux-gnu/libc.so.6", "open64.c", 41),
           managed(FrameKind::kPython, "Path.open", "/usr/lib/python3.11/pathlib.py", 1044),
           managed(FrameKind::kPython, "Shop.read_order", "/srv/shop/orders.py", 36),
           managed(FrameKind::kPython, "<module>", "/srv/shop/main.py", 9)});
    learn(18, Kind::kUnix, 41,
          {native("socket", "/usr/lib/x86_64-linux-gnu/libc.so.6", "", 0),
           native("uv_pipe_connect", "/usr/bin/node", "", 0),
           managed(FrameKind::kJit, "connect", "node:net", 230),
           managed(FrameKind::kJit, "askDaemon", "/srv/shop/index.js", 22),
           managed(FrameKind::kJit, "", "", 0)});
    learn(19, Kind::kTcp, 41,
          {managed(FrameKind::kGo, "net.Listen", "/usr/lib/go/src/net/dial.go", 711),
           managed(FrameKind::kGo, "main.keepDuplicateOnly", "/srv/listen/main.go", 40)});
    source.learn_closer(
        OriginId{20},
        stack({managed(FrameKind::kGo, "os.(*file).close", "/usr/lib/go/src/os/f.go", 8),
               managed(FrameKind::kGo, "runtime.runfinq", "/usr/lib/go/src/runtime/mfinal.go",
                       249)}));
    close_listener();
    for (int second = 1; second <= 60; ++second) pass(second);
  }

  TraceDocument document() const {
    TraceLosses losses;
    losses.stacks = 3;
    TraceRepairs repairs;
    repairs.found = 2;
    return {.ledger = source,
            .stacks = stacks,
            .texts = texts,
            .losses = losses,
            .repairs = repairs,
            .kinds = {}};
  }

  static constexpr BootTime kBegan{std::chrono::seconds(1000)};
  TraceLedger source{kBegan, std::chrono::seconds(2)};
  StackStore stacks;
  SampleTexts texts;
  std::vector<LiveHolding> rows;  // of the last pass

 private:
  static BuildId build_id() {
    std::vector<std::byte> bytes(20, std::byte{0xab});
    return BuildId(bytes);
  }
  static Frame native(std::string function, std::string module, std::string file, unsigned line) {
    Frame frame;
    frame.function = std::move(function);
    frame.module = std::move(module);
    frame.file = std::move(file);
    if (line != 0) frame.line = line;
    frame.function_offset = frame.function.empty() ? 0 : 0x2f;
    frame.elf_address = ElfAddress{0x1189};
    frame.build_id = build_id();
    return frame;
  }
  static Frame managed(FrameKind kind, std::string function, std::string file, unsigned line) {
    Frame frame;
    frame.kind = kind;
    frame.function = std::move(function);
    frame.file = std::move(file);
    if (line != 0) frame.line = line;
    return frame;
  }

  void process(int pid, const char* name) {
    ProcessEvent event;
    event.what = ProcessEvent::What::kFork;
    event.pid = Pid{pid};
    event.table = TableId{static_cast<unsigned>(pid)};
    event.time = event.start = kBegan;
    event.name = name;
    source.on(event);
  }
  StackNode stack(const std::vector<Frame>& frames) {
    std::vector<FrameId> ids;
    for (const Frame& frame : frames) ids.push_back(stacks.intern(frame));
    return stacks.add(ids);
  }
  void learn(unsigned origin, Kind kind, std::uint16_t call, const std::vector<Frame>& frames) {
    source.learn(OriginId{origin}, stack(frames), kind, call, false);
  }
  static LiveHolding holding(unsigned origin, unsigned table, int fd, Kind kind, int born) {
    LiveHolding made;
    made.table = TableId{table};
    made.fd = Fd{fd};
    made.file = FileId{0x1000U * table + static_cast<unsigned>(fd)};
    made.born = kBegan + std::chrono::seconds(born);
    made.origin = OriginId{origin};
    made.kind = kind;
    return made;
  }
  void name(const LiveHolding& row, std::string what, std::string end) {
    const Pid pid{static_cast<int>(number(row.table))};
    texts[{pid, row.fd, row.file}] = {std::move(what), std::move(end)};
  }

  void close_listener() {
    ClosedEvent closed;
    closed.holding = holding(19, 400, 3, Kind::kTcp, 1);
    closed.holding.listener = true;
    closed.pid = Pid{400};
    closed.time = kBegan + std::chrono::seconds(12);
    closed.closer = OriginId{20};
    closed.call = 3;
    ListenerEvent listener;
    listener.file = closed.holding.file;
    listener.family = 2;
    listener.port = 10101;
    listener.address = {127, 0, 0, 1};
    source.on(listener);
    source.on(closed);
  }

  // The server loses a connection a second and Python a file every other; Node holds four sockets.
  void pass(int second) {
    std::vector<OriginCount> counts(21);
    source.begin_pass(kBegan + std::chrono::seconds(second));
    rows.clear();
    const auto hold = [&](const LiveHolding& row) {
      source.hold(row);
      rows.push_back(row);
    };
    for (int born = 0; born < second; ++born) {
      const auto row = holding(16, 100, 10 + born, Kind::kTcp, born);
      name(row, "10.0.0.1:443 ↔ 10.0.0.7:" + std::to_string(40000 + born) + " close-wait",
           "→ not visible");
      hold(row);
      if (born % 2 == 0) {
        const auto file = holding(17, 200, 5 + born, Kind::kFile, born);
        name(file, "/srv/shop/orders/2026-11-22.json", "");
        hold(file);
      }
    }
    for (int fd = 20; fd < 24; ++fd) {
      const auto row = holding(18, 300, fd, Kind::kUnix, 1);
      name(row, "stream", "→ daemon(77) fd 9");
      hold(row);
    }
    hold(holding(0, 100, 1, Kind::kFile, 0));
    const auto seconds = static_cast<std::uint64_t>(second);
    counts[16] = {3 * seconds, 2 * seconds};
    counts[17] = {seconds, seconds / 2};
    counts[18] = {4, 0};
    source.end_pass(counts, {});
  }
};

}  // namespace plumb::detect
