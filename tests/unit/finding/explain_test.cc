// SPDX-License-Identifier: Apache-2.0
// Chains of findings, and silence where nothing is wrong.
#include "detect/finding/explain.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using std::chrono::seconds;

constexpr SocketState kOpen = SocketState::kEstablished;

// An editor that starts a child at every other look; each waits for a proxy that has answered.
void draw_editor(SurveyBuilder& machine, int look) {
  const int children = 30 + look / 2;
  for (int c = 0; c < children; ++c) machine.socket_pair();
  for (int c = 0; c < children; ++c) {
    const auto port = static_cast<std::uint16_t>(40000 + c);
    machine.ip(SOCK_STREAM, SurveyBuilder::local(8118), SurveyBuilder::local(port), kOpen);
    const auto client =
        machine.ip(SOCK_STREAM, SurveyBuilder::local(port), SurveyBuilder::local(8118), kOpen);
    for (const std::uint32_t end : {client - 1, client}) {
      machine.survey.sockets[end].receive_queue = 0;
      machine.survey.sockets[end].send_queue = 0;
      machine.survey.sockets[end].last_sent = BootTime(seconds(3000));
      machine.survey.sockets[end].last_received = BootTime(seconds(3000) + seconds(end == client));
    }
  }
  const auto listener =
      machine.ip(SOCK_STREAM, SurveyBuilder::local(8118), {}, SocketState::kListen);
  machine.process(640, "proxy", 1, {"proxy"});
  machine.thread(SYS_epoll_wait, 99);
  machine.stands_for(3, Kind::kTcp, listener);
  for (int c = 0; c < children; ++c) {
    machine.stands_for(10 + c, Kind::kTcp, static_cast<std::uint32_t>(2 * children + 2 * c));
  }
  machine.process(812, "editor", 1, {"editor"}).descriptor_limit = 64;
  machine.thread(SYS_epoll_wait, 98);
  for (int c = 0; c < children; ++c) {
    machine.stands_for(10 + c, Kind::kUnix, static_cast<std::uint32_t>(2 * c));
  }
  for (int c = 0; c < children; ++c) {
    machine.process(1000 + c, "curl", 812, {"curl", "http://x/Heartbeat"}).key.start =
        Ticks(100 * (3300 + 10 * c));
    machine.thread(SYS_poll, 0x7ffc1000);
    machine.stands_for(0, Kind::kUnix, static_cast<std::uint32_t>(2 * c + 1));
    machine.stands_for(5, Kind::kTcp, static_cast<std::uint32_t>(2 * children + 2 * c + 1));
  }
}

TEST(Explain, AnEditorWithStuckChildren) {
  const Explanation found = Story(draw_editor).explain({*parse_selector("editor")});
  ASSERT_TRUE(found.anything_wrong());
  const Finding& head = found.at(found.effects.front());
  EXPECT_EQ(head.id, id::kDescriptorLeak);
  EXPECT_EQ(head.subject.process.pid, Pid{812});
  EXPECT_EQ(head.measure, measure_of(Kind::kUnix));
  ASSERT_FALSE(head.causes.empty());
  const Finding& children = found.at(head.causes.front());
  EXPECT_EQ(children.id, id::kStuckChildren);
  ASSERT_FALSE(children.causes.empty());
  const Finding& proxy = found.at(children.causes.front());
  EXPECT_EQ(proxy.id, id::kIdlePeerWaits);
  EXPECT_EQ(proxy.subject.process.pid, Pid{640});
  EXPECT_GT(proxy.severity, Severity::kInfo) << "what explains a warning is more than a note";
  EXPECT_EQ(proxy.whose_move, "proxy(640)");
}

TEST(Explain, AProxyThatWaitsForItsOriginPassesTheMoveOn) {
  const Story story([](SurveyBuilder& machine, int) {
    const auto ask = [&](std::uint16_t from, std::uint16_t to) {
      const auto there =
          machine.ip(SOCK_STREAM, SurveyBuilder::local(to), SurveyBuilder::local(from), kOpen);
      const auto here =
          machine.ip(SOCK_STREAM, SurveyBuilder::local(from), SurveyBuilder::local(to), kOpen);
      for (const std::uint32_t end : {there, here}) {
        Socket& socket = machine.survey.sockets[end];
        socket.receive_queue = socket.send_queue = 0;
        socket.last_sent = BootTime(seconds(3000) + seconds(end == here));
        socket.last_received = BootTime(seconds(3000) + seconds(end == there));
      }
      return here;
    };
    const auto client = ask(40000, 8118);
    const auto passed_on = ask(40001, 80);
    machine.survey.sockets[passed_on].last_received.reset();  // nothing has ever come
    const auto door = machine.ip(SOCK_STREAM, SurveyBuilder::local(8118), {}, SocketState::kListen);
    machine.process(20, "origin", 1, {"origin"});
    machine.thread(SYS_epoll_wait, 9);
    machine.stands_for(4, Kind::kTcp, passed_on - 1);
    machine.process(30, "proxy", 1, {"proxy"});
    machine.thread(SYS_epoll_wait, 9);
    machine.stands_for(3, Kind::kTcp, door);
    machine.stands_for(4, Kind::kTcp, client - 1);
    machine.stands_for(5, Kind::kTcp, passed_on);
    machine.process(40, "curl", 1, {"curl"});
    machine.thread(SYS_read, 5);
    machine.stands_for(5, Kind::kTcp, client);
  });
  const Explanation found = story.explain({*parse_selector("curl")});
  const Finding* finding = find(found, id::kIdlePeerWaits);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->subject.process.pid, Pid{30});
  EXPECT_EQ(finding->whose_move, "origin(20)");
  EXPECT_GE(finding->confidence, 0.84) << "quiet for ten minutes: to look longer tells no more";
}

TEST(Explain, OfPlumbItselfNothingIsSaid) {
  for (const Finding& finding : Story(draw_editor).explain({}, Pid{812}).findings) {
    EXPECT_NE(finding.subject.process.pid, Pid{812}) << finding.id;
  }
}

TEST(Explain, MoreClientsThanLeaveAreNoLeakOfTheServer) {
  const Explanation found = Story(draw_editor).explain({*parse_selector("proxy")});
  const Finding* leak = find(found, id::kDescriptorLeak);
  ASSERT_NE(leak, nullptr);
  EXPECT_EQ(leak->severity, Severity::kInfo);
}

TEST(Explain, WhoGetsMoreClientsIsNotTheCauseOfTheirLeak) {
  const Story story([](SurveyBuilder& machine, int look) {
    const int connections = 5 + look;
    for (int c = 0; c < connections; ++c) {
      const auto port = static_cast<std::uint16_t>(40000 + c);
      machine.ip(SOCK_STREAM, SurveyBuilder::local(3000), SurveyBuilder::local(port), kOpen);
      machine.ip(SOCK_STREAM, SurveyBuilder::local(port), SurveyBuilder::local(3000), kOpen);
    }
    const auto listener =
        machine.ip(SOCK_STREAM, SurveyBuilder::local(3000), {}, SocketState::kListen);
    machine.process(20, "server", 1, {"server"});
    machine.stands_for(3, Kind::kTcp, listener);
    for (int c = 0; c < connections; ++c) {
      machine.stands_for(4 + c, Kind::kTcp, static_cast<std::uint32_t>(2 * c));
    }
    machine.process(30, "client", 1, {"client"});
    for (int c = 0; c < connections; ++c) {
      machine.stands_for(4 + c, Kind::kTcp, static_cast<std::uint32_t>(2 * c + 1));
    }
  });
  const Explanation found = story.explain({*parse_selector("client")});
  ASSERT_TRUE(found.anything_wrong());
  const Finding& head = found.at(found.effects.front());
  EXPECT_EQ(head.id, id::kDescriptorLeak);
  EXPECT_EQ(head.subject.process.pid, Pid{30});
  EXPECT_TRUE(head.causes.empty());
}

TEST(Explain, AnotherProcessIsNotConcerned) {
  const auto draw = [](SurveyBuilder& machine, int look) {
    draw_editor(machine, look);
    machine.process(5000, "other", 1, {"other"});
  };
  EXPECT_FALSE(Story(draw).explain({*parse_selector("other")}).anything_wrong());
}

TEST(Explain, APoolOfWorkersIsSilent) {
  const Story story([](SurveyBuilder& machine, int) {
    machine.process(10, "server", 1, {"server"});
    machine.thread(SYS_epoll_wait, 4);
    for (int worker = 0; worker < 40; ++worker) {
      machine.process(100 + worker, "worker", 10, {"worker"}).key.start = Ticks(500);
      machine.thread(SYS_read, 0);
    }
  });
  EXPECT_TRUE(story.explain().findings.empty());
}

std::uint32_t draw_listener(SurveyBuilder& machine, std::uint32_t queue) {
  const auto listener =
      machine.ip(SOCK_STREAM, SurveyBuilder::local(3000), {}, SocketState::kListen);
  machine.survey.sockets[listener].accept_queue = queue;
  machine.survey.sockets[listener].backlog = 128;
  return listener;
}

TEST(Explain, AFullTableStarvesItsListener) {
  const Story story([](SurveyBuilder& machine, int) {
    const auto listener = draw_listener(machine, 30);
    machine.process(10, "server", 1, {"server"}).descriptor_limit = 16;
    machine.thread(SYS_epoll_wait, 4);
    machine.stands_for(3, Kind::kTcp, listener);
    for (int fd = 4; fd < 19; ++fd) machine.file(fd, "/tmp/x");
  });
  const Explanation found = story.explain();
  const Finding& head = found.at(found.effects.front());
  EXPECT_EQ(head.id, id::kAcceptStarved);
  EXPECT_EQ(head.severity, Severity::kCritical);
  ASSERT_FALSE(head.causes.empty());
  EXPECT_EQ(found.at(head.causes.front()).id, id::kLimitNear);
}

// A server with two clients, in whose table there is room. Of `ended` newcomers it has read
// nothing.
const Finding* starved_by_count(std::uint64_t ended, int newcomers, Explanation& found) {
  const Story story([&](SurveyBuilder& machine, int look) {
    const auto listener = draw_listener(machine, 0);
    const int clients = 2 + (look > 10 ? newcomers : 0);
    for (int c = 0; c < clients; ++c) {
      const auto port = static_cast<std::uint16_t>(40000 + c);
      machine.ip(SOCK_STREAM, SurveyBuilder::local(3000), SurveyBuilder::local(port), kOpen);
    }
    machine.process(10, "server", 1, {"server"}).descriptor_limit = 64;
    machine.thread(SYS_epoll_wait, 4);
    machine.stands_for(3, Kind::kTcp, listener);
    for (int c = 0; c < clients; ++c) {
      machine.stands_for(4 + c, Kind::kTcp, listener + 1 + static_cast<std::uint32_t>(c));
    }
  });
  const std::vector<Refusals> refusals{{Pid{10}, 3000, ended}, {Pid{10}, 5555, 100}};
  found = explain_with(story, [&](Facts& facts) { facts.refusals = refusals; });
  return find(found, id::kAcceptStarved);
}

TEST(Explain, AServerThatIsFullByItsOwnCountSheds) {
  Explanation found;
  const Finding* finding = starved_by_count(20, 0, found);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kCritical);
  EXPECT_EQ(finding->summary, "server(10) turns clients away at :3000: it has as many as it takes");
  EXPECT_EQ(finding->evidence.back().value,
            "sheds: accepted 20 and closed them without reading from them");
}

TEST(Explain, AServerThatKeepsNewcomersTurnsNobodyAway) {
  Explanation found;
  EXPECT_EQ(starved_by_count(20, 15, found), nullptr) << "as a port scan or a check of health does";
  EXPECT_EQ(starved_by_count(2, 0, found), nullptr) << "too few";
}

TEST(Explain, AQueueThatIsServedIsSilent) {
  const Story story([](SurveyBuilder& machine, int look) {
    const auto listener = draw_listener(machine, 5);
    for (int c = 0; c < 10; ++c) {
      const auto port = static_cast<std::uint16_t>(40000 + 10 * look + c);
      const auto client =
          machine.ip(SOCK_STREAM, SurveyBuilder::local(3000), SurveyBuilder::local(port), kOpen);
      machine.survey.sockets[client].inode = 10000U + port;
    }
    machine.process(10, "server", 1, {"server"});
    machine.stands_for(3, Kind::kTcp, listener);
    for (std::uint32_t c = 0; c < 10; ++c) {
      machine.stands_for(4 + static_cast<int>(c), Kind::kTcp, listener + 1 + c);
    }
  });
  EXPECT_FALSE(story.explain().anything_wrong());
}

TEST(Explain, ClientsAtAPortWhereNobodyListens) {
  const Story story([](SurveyBuilder& machine, int) {
    for (const std::uint16_t port : {std::uint16_t{40000}, std::uint16_t{40001}}) {
      machine.ip(SOCK_STREAM, SurveyBuilder::local(3000), SurveyBuilder::local(port), kOpen);
    }
    machine.process(10, "server", 1, {"server"});
    machine.stands_for(4, Kind::kTcp, 0);
    machine.stands_for(5, Kind::kTcp, 1);
  });
  const Explanation found = story.explain();
  ASSERT_NE(find(found, id::kListenerGone), nullptr);
  EXPECT_EQ(find(found, id::kListenerGone)->weight, 2U);
}

TEST(Explain, DuplicatesOfAClientsSocketAreNoClientsWithoutAListener) {
  const Story story([](SurveyBuilder& machine, int) {
    machine.process(10, "client", 1, {"client"});
    const auto ours = machine.ip(SOCK_STREAM, SurveyBuilder::local(46522),
                                 SurveyBuilder::local(45075), SocketState::kEstablished);
    for (int fd = 3; fd < 20; ++fd) machine.stands_for(fd, Kind::kTcp, ours);
  });
  EXPECT_EQ(find(story.explain(), id::kListenerGone), nullptr);
}

TEST(Explain, ListenersThatPileUpAreNoClients) {
  const Story story([](SurveyBuilder& machine, int look) {
    machine.process(10, "tenants", 1, {"tenants"});
    for (int l = 0; l < 3 + 2 * look; ++l) {
      const auto port = static_cast<std::uint16_t>(40000 + l);
      const auto listener =
          machine.ip(SOCK_STREAM, SurveyBuilder::local(port), {}, SocketState::kListen);
      machine.stands_for(3 + l, Kind::kTcp, listener);
    }
  });
  const auto told = story.explain();
  ASSERT_NE(find(told, id::kDescriptorLeak), nullptr);
  EXPECT_GT(find(told, id::kDescriptorLeak)->severity, Severity::kInfo);
}

TEST(Explain, FilesThatPileUpAreTold) {
  const Story story([](SurveyBuilder& machine, int look) {
    machine.process(10, "reader", 1, {"reader"});
    for (int f = 0; f < 3 + 2 * look; ++f) machine.file(3 + f, "/etc/hosts");
  });
  const auto told = story.explain();
  ASSERT_NE(find(told, id::kDescriptorLeak), nullptr);
  const auto& rows = find(told, id::kDescriptorLeak)->evidence;
  EXPECT_TRUE(std::ranges::any_of(
      rows, [](const Evidence& row) { return row.value == "41 times /etc/hosts"; }));
}

TEST(Explain, APoolThatGrowsInStepsAndIsUsedIsNoLeak) {
  const auto found = [](seconds quiet) {
    const Story story([&](SurveyBuilder& machine, int look) {
      const int connections = 2 + 4 * (look / 4);
      for (int c = 0; c < connections; ++c) {
        const auto port = static_cast<std::uint16_t>(40000 + c);
        const auto index = machine.ip(SOCK_STREAM, SurveyBuilder::local(port),
                                      SurveyBuilder::at(10, 0, 0, 1, 80), kOpen);
        machine.survey.sockets[index].last_sent = machine.survey.taken - quiet;
      }
      machine.process(10, "client", 1, {"client"});
      for (int c = 0; c < connections; ++c) {
        machine.stands_for(4 + c, Kind::kTcp, static_cast<std::uint32_t>(c));
      }
    });
    return find(story.explain(), id::kDescriptorLeak) != nullptr;
  };
  EXPECT_TRUE(found(seconds(20)));
  EXPECT_FALSE(found(seconds(1)));
}

TEST(Explain, ZombiesThatLast) {
  const auto draw = [](int zombies) {
    return [zombies](SurveyBuilder& machine, int) {
      machine.process(10, "parent", 1, {"parent"});
      for (int z = 0; z < zombies; ++z) {
        machine.process(100 + z, "sh", 10).state = RunState{'Z'};
      }
    };
  };
  EXPECT_NE(find(Story(draw(12)).explain(), id::kZombieChildren), nullptr);
  EXPECT_EQ(find(Story(draw(2)).explain(), id::kZombieChildren), nullptr);
}

void draw_closed(SurveyBuilder& machine, int connections) {
  for (int c = 0; c < connections; ++c) {
    const auto port = static_cast<std::uint16_t>(40000 + c);
    const auto socket = machine.ip(SOCK_STREAM, SurveyBuilder::local(port),
                                   SurveyBuilder::at(10, 0, 0, 1, 80), SocketState::kCloseWait);
    machine.survey.sockets[socket].last_received = BootTime(seconds(100));
  }
  machine.process(10, "client", 1, {"client"});
  for (int c = 0; c < connections; ++c) {
    machine.stands_for(4 + c, Kind::kTcp, static_cast<std::uint32_t>(c));
  }
}

TEST(Explain, ConnectionsThatThePeerHasClosed) {
  const auto severity = [](int connections) {
    const Story story([&](SurveyBuilder& machine, int) { draw_closed(machine, connections); });
    const Explanation found = story.explain();
    const Finding* pile = find(found, id::kCloseWaitPileup);
    return pile == nullptr ? std::optional<Severity>() : pile->severity;
  };
  EXPECT_EQ(severity(20), Severity::kWarning);
  EXPECT_EQ(severity(4), Severity::kInfo) << "a pool may keep a few";
  EXPECT_EQ(severity(1), std::nullopt);
}

TEST(Explain, AConnectionWithoutItsOtherEnd) {
  const auto found = [](bool peer) {
    const Story story([&](SurveyBuilder& machine, int) {
      machine.ip(SOCK_STREAM, SurveyBuilder::local(3000), SurveyBuilder::local(40000), kOpen);
      machine.survey.sockets[0].last_received = BootTime(seconds(100));
      draw_listener(machine, 0);
      if (peer)
        machine.ip(SOCK_STREAM, SurveyBuilder::local(40000), SurveyBuilder::local(3000), kOpen);
      machine.process(10, "server", 1, {"server"});
      machine.stands_for(4, Kind::kTcp, 0);
      machine.stands_for(3, Kind::kTcp, 1);
    });
    return find(story.explain(), id::kConnectionToNowhere) != nullptr;
  };
  EXPECT_TRUE(found(false));
  EXPECT_FALSE(found(true));
}

TEST(Explain, TheOtherEndOfADualStackConnectionIsOfTheOtherFamily) {
  const Story story([](SurveyBuilder& machine, int) {
    const auto server = machine.ip(SOCK_STREAM, {}, {}, kOpen);
    Socket& socket = machine.survey.sockets[server];
    socket.ipv6 = true;
    for (IpEndpoint* end : {&socket.local, &socket.remote}) {
      end->address[10] = end->address[11] = 0xff;
      end->address[12] = 127;
      end->address[15] = 1;
    }
    socket.local.port = 3000;
    socket.remote.port = 40000;
    socket.last_received = BootTime(seconds(100));
    machine.ip(SOCK_STREAM, SurveyBuilder::local(40000), SurveyBuilder::local(3000), kOpen);
    machine.process(10, "server", 1, {"server"});
    machine.stands_for(4, Kind::kTcp, server);
  });
  EXPECT_EQ(find(story.explain(), id::kConnectionToNowhere), nullptr);
}

TEST(Explain, APipeThatADaemonKeeps) {
  const auto found = [](bool close_on_exec) {
    const Story story([&](SurveyBuilder& machine, int) {
      machine.process(10, "reader", 1, {"reader"});
      machine.thread(SYS_read, 3);
      machine.pipe(3, 777, O_RDONLY);
      machine.process(11, "sleep", 10, {"sleep", "3600"});
      machine.thread(SYS_nanosleep);
      machine.pipe(4, 777, O_WRONLY).close_on_exec = close_on_exec;
      machine.process(12, "echo", 10).state = RunState{'Z'};
    });
    const Explanation explanation = story.explain();
    const Finding* finding = find(explanation, id::kInheritedDescriptor);
    return finding != nullptr && finding->severity == Severity::kWarning;
  };
  EXPECT_TRUE(found(false));
  EXPECT_FALSE(found(true));
}

TEST(Explain, AnOutputThatADaemonHasKept) {
  // `parent` is the daemon's: 1 where who started it has ended, 11 where that lives.
  const auto found = [](int parent, int fd) {
    const Story story([&](SurveyBuilder& machine, int) {
      machine.process(1, "init", 0);
      machine.process(9, "shell", 1);
      machine.process(10, "script", 9, {"script"});
      machine.thread(SYS_read, 3);
      machine.pipe(fd, 777, O_RDONLY);
      machine.process(11, "helper", 10);
      machine.process(12, "daemon", parent, {"daemon"});
      machine.thread(SYS_nanosleep);
      machine.pipe(1, 777, O_WRONLY);
    });
    return find(story.explain(), id::kInheritedDescriptor) != nullptr;
  };
  EXPECT_TRUE(found(1, 3));
  EXPECT_FALSE(found(11, 3)) << "it is still the script's own";
  EXPECT_FALSE(found(9, 3)) << "two that a shell has put together";
}

// A shell that starts a tail at every look and meanwhile sleeps in children that end.
TEST(Explain, ChildrenOfAnotherNameThatEndDoNotAcquitThosePilingUp) {
  const auto found = [](std::string_view other) {
    const Story story([&](SurveyBuilder& machine, int look) {
      machine.process(10, "bash", 1, {"bash"});
      machine.thread(SYS_wait4);
      if (look < 3) {
        machine.process(50, other, 10, {other});
        machine.thread(SYS_nanosleep);
      }
      for (int child = 0; child < 5 + look; ++child) {
        machine.process(100 + child, "tail", 10, {"tail", "-F", "/var/log/x"});
        machine.thread(SYS_poll);
      }
    });
    return find(story.explain(), id::kStuckChildren) != nullptr;
  };
  EXPECT_TRUE(found("sleep"));
  EXPECT_FALSE(found("tail")) << "one of them has ended: others may";
}

TEST(Explain, WhoKeepsAListenerByAccidentIsNoServerThatMustAccept) {
  const Story story([](SurveyBuilder& machine, int) {
    draw_listener(machine, 5);
    machine.process(10, "sleep", 1, {"sleep", "600"});
    machine.thread(SYS_nanosleep);
    machine.stands_for(3, Kind::kTcp, 0);
  });
  const Explanation told = story.explain();
  const Finding* starved = find(told, id::kAcceptStarved);
  const Finding* kept = find(told, id::kInheritedDescriptor);
  ASSERT_NE(starved, nullptr);
  ASSERT_NE(kept, nullptr);
  ASSERT_EQ(starved->causes.size(), 1U);
  EXPECT_EQ(&told.at(starved->causes.front()), kept);
  EXPECT_TRUE(starved->remedy.empty());
  EXPECT_EQ(kept->severity, starved->severity);
}

TEST(Explain, FactsWithoutRootAreEnough) {
  // No file ids, no threads, no peers: nothing may be concluded from what is not known.
  const Story story([](SurveyBuilder& machine, int) {
    machine.process(10, "server", 1, {"server"});
    for (int fd = 3; fd < 30; ++fd) machine.row(fd, Kind::kUnknown).file.reset();
    machine.process(20, "secret", 1).error = EACCES;
  });
  EXPECT_FALSE(story.explain().anything_wrong());
}

TEST(Explain, EachKindStandsInTheTableOnce) {
  std::string_view last;
  for (const FindingKind& kind : finding_kinds()) {
    EXPECT_LT(last, kind.id);
    EXPECT_FALSE(kind.title.empty());
    last = kind.id;
  }
}

}  // namespace
}  // namespace plumb::detect
