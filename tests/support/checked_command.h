// SPDX-License-Identifier: Apache-2.0
// A check that is made by hand: a test program that leaks files and a listener, a child left
// running, a zombie, temporary files, and things that the rules and a pattern excuse.
#pragma once

#include <fcntl.h>

#include <string>
#include <vector>

#include "detect/report/check_document.h"

namespace plumb::detect {

struct CheckedCommand {
  CheckedCommand() {
    const StackNode read = stack({frame("__open64", "", 0),
                                  frame("shop::read_price(char const*)", "/src/shop/price.cc", 18),
                                  frame("main", "/src/shop/tests/price_test.cc", 7)});
    for (int fd = 3; fd < 9; ++fd) {
      Leftover& file = held(Kind::kFile, fd, read);
      file.name = "/srv/shop/prices/" + std::to_string(fd) + ".json";
    }
    Leftover& listener = held(
        Kind::kTcp, 9, stack({frame("socket", "", 0), frame("serve", "/src/shop/serve.cc", 40)}));
    listener.listener = true;
    listener.name = "127.0.0.1:8080 listen · queue 0 of 16";
    Leftover& pipe = held(Kind::kPipe, 10, StackStore::kEmpty);
    pipe.name = "pipe:[4711]";
    pipe.other_end = "→ nobody";
    pipe.no_stack = "its maker's memory could not be read";

    Leftover& helper = add(Leftover::What::kRunning, 77, "helper");
    helper.command = "/srv/shop/helper --listen \x1b[2J";
    helper.name = "127.0.0.1:9090 listen";
    helper.within = 2;
    helper.stack = stack({frame("fork", "", 0), frame("start_helper", "/src/shop/helper.cc", 5)});
    Leftover& zombie = add(Leftover::What::kUnwaited, 78, "asker");
    zombie.stack = stack({frame("fork", "", 0), frame("ask", "/src/<shop> & co/ask,now:1.cc", 5)});
    Leftover& directory = add(Leftover::What::kFile, 76, "price_test");
    directory.kind = Kind::kDirectory;
    directory.name = "/tmp/work-1";
    directory.stack = stack({frame("mkdtemp", "", 0), frame("set_up", "/src/shop/fixture.cc", 9)});
    const Leftover above = directory;
    Leftover& inner = left.emplace_back(above);
    inner.kind = Kind::kFile;
    inner.name += "/part";

    held(Kind::kEpoll, 11, stack({frame("epoll_create1", "", 0), frame("loop", "", 0)}));
    Leftover& vendor =
        held(Kind::kFile, 12, stack({frame("open", "", 0), frame("vendor_open", "", 0)}));
    vendor.name = "/usr/share/vendor.dat";
    (void)allow.add("function:vendor_* kind:file", ".plumb-allow:2");
    (void)allow.add("name:/run/*", ".plumb-allow:3");
    verdict = judge_leftovers(left, allow, stacks);
    clean_verdict = judge_leftovers({}, allow, stacks);
  }

  CheckDocument document() const {
    return {.verdict = verdict,
            .stacks = stacks,
            .allow = allow,
            .command = "ctest --output-on-failure",
            .status = 0,
            .processes = 12,
            .took = std::chrono::milliseconds(2345),
            .reduced = "without root, by ptrace alone",
            .losses = {{.what = "stacks", .count = 3, .why = "their process ended first"}},
            .root = "/src/shop",
            .tell_excused = true};
  }
  CheckDocument clean_document() const {
    return {.verdict = clean_verdict,
            .stacks = stacks,
            .allow = allow,
            .command = "true",
            .status = 0,
            .processes = 1,
            .took = std::chrono::milliseconds(40),
            .reduced = {},
            .losses = {},
            .root = {},
            .tell_excused = false};
  }

  StackStore stacks;
  AllowList allow;
  std::vector<Leftover> left;
  LeakVerdict verdict;
  LeakVerdict clean_verdict;

 private:
  static Frame frame(std::string function, std::string file, unsigned line) {
    Frame made;
    made.function = std::move(function);
    made.file = std::move(file);
    if (line != 0) made.line = line;
    made.module = line == 0 ? "/usr/lib/x86_64-linux-gnu/libc.so.6" : "/srv/bin/price_test";
    made.function_offset = 0x2f;
    made.elf_address = ElfAddress{0x1189};
    return made;
  }
  StackNode stack(const std::vector<Frame>& frames) {
    std::vector<FrameId> ids;
    for (const Frame& one : frames) ids.push_back(stacks.intern(one));
    return stacks.add(ids);
  }
  Leftover& add(Leftover::What what, int pid, std::string process) {
    Leftover made;
    made.what = what;
    made.pid = Pid{pid};
    made.process = std::move(process);
    made.acquisition = ++acquisitions_;
    return left.emplace_back(std::move(made));
  }
  Leftover& held(Kind kind, int fd, StackNode origin) {
    Leftover& made = add(Leftover::What::kDescriptor, 76, "price_test");
    made.kind = kind;
    made.fd = Fd{fd};
    made.status = 0;
    made.call = 257;
    made.stack = origin;
    made.command = "/srv/bin/price_test --all";
    return made;
  }

  std::uint64_t acquisitions_ = 0;
};

}  // namespace plumb::detect
