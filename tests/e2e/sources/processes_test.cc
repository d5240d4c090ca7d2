// SPDX-License-Identifier: Apache-2.0
// What the survey tells about processes, threads and namespaces of the running kernel.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <future>
#include <set>
#include <string>
#include <thread>

#include "children.h"
#include "plumb/base/text.h"
#include "survey_fixture.h"

namespace plumb::detect {
namespace {

class Processes : public SurveyTest {
 protected:
  static std::uint32_t namespace_of(int pid, const char* kind) {
    struct stat status {};
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + kind;
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return static_cast<std::uint32_t>(status.st_ino);
  }
};
// What is so with this source alone.
class ProcessesOfBpf : public Processes {};

TEST_P(Processes, ThisOneIsKnown) {
  const Survey survey = take();
  const Process* self = process(survey, ::getpid());
  ASSERT_TRUE(self);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(self->descriptor_limit, limit.rlim_cur);
  EXPECT_EQ(self->descriptor_hard_limit, limit.rlim_max);
  EXPECT_EQ(self->parent, Pid(::getppid()));
  EXPECT_EQ(self->own_pid, Pid(::getpid()));
  EXPECT_EQ(self->uid, Uid(::geteuid()));
  EXPECT_EQ(self->state, RunState('R'));
  EXPECT_EQ(self->thread_count, 1u);
  EXPECT_GT(self->resident_bytes.value_or(0), 1'000'000u);
  EXPECT_GT(self->virtual_bytes.value_or(0), self->resident_bytes.value_or(0));
  EXPECT_EQ(self->namespaces,
            (Namespaces{namespace_of(::getpid(), "pid"), namespace_of(::getpid(), "mnt"),
                        namespace_of(::getpid(), "net"), namespace_of(::getpid(), "user")}));
  EXPECT_NE(survey.texts.at(self->command_line).find("e2e_sources"), std::string_view::npos);
  EXPECT_TRUE(survey.texts.at(self->cgroup).starts_with('/'));
  EXPECT_EQ(losses(survey), "");
}

// Also those that a kernel keeps from its iterators, as this machine's monitor.
TEST_P(Processes, EveryoneInProcIsARow) {
  const auto in_proc = [] {
    std::set<int> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      if (const auto pid = parse_number<int>(entry.path().filename().string())) pids.insert(*pid);
    }
    return pids;
  };
  const auto before = in_proc();
  const Survey survey = take();
  const auto after = in_proc();
  for (const int pid : before) {
    EXPECT_TRUE(!after.contains(pid) || process(survey, pid)) << pid;
  }
  EXPECT_TRUE(std::ranges::is_sorted(survey.processes, {}, &Process::key));
}

TEST_P(ProcessesOfBpf, StartTimesAreThoseOfProc) {
  const Survey survey = take();
  auto proc = open_proc_survey("");
  ASSERT_TRUE(proc);
  const auto other = (*proc)->take({.only = {Pid(::getpid())}, .sockets = false});
  ASSERT_TRUE(other);
  for (const int pid : {::getppid(), ::getpid()}) {
    ASSERT_TRUE(process(survey, pid) && process(*other, pid));
    EXPECT_EQ(process(survey, pid)->key, process(*other, pid)->key);
  }
}

TEST_P(Processes, WhatAChildWaitsForIsKnown) {
  const auto pipe = std::move(UniqueFd::pipe()).value();
  const Child child([&](const UniqueFd&) {
    std::thread([&] {
      char byte = 0;
      while (::read(pipe.first.get(), &byte, 1) != 1) {
      }
    }).detach();
  });
  // Both threads need a moment to fall asleep.
  for (int i = 0; i < 500; ++i) {
    const Survey survey = take({.only = {Pid(child.pid())}});
    const Process* found = process(survey, child.pid());
    ASSERT_TRUE(found);
    std::set<int> calls;
    for (std::uint32_t t = 0; t < found->listed_threads; ++t) {
      const Thread& thread = survey.threads[found->first_thread + t];
      if (!thread.waits_in) continue;
      calls.insert(thread.waits_in->number);
      if (thread.waits_in->number == SYS_read) {
        EXPECT_EQ(thread.waits_in->args[0], static_cast<std::uint64_t>(pipe.first.get()));
        EXPECT_EQ(thread.state, RunState('S'));
      }
    }
    if (calls == std::set<int>{SYS_pause, SYS_read}) return;
    ::usleep(10'000);
  }
  FAIL() << "the child's threads were never seen asleep in read and pause";
}

TEST_P(Processes, ThreadsAreListedWhereAskedFor) {
  const Child child([](const UniqueFd&) {
    for (int i = 0; i < 3; ++i) std::thread([] { ::pause(); }).detach();
  });
  const Survey all = take();
  ASSERT_TRUE(process(all, child.pid()));
  EXPECT_EQ(process(all, child.pid())->listed_threads, 4u);
  const Survey leaders = take({.threads = false});
  EXPECT_EQ(process(leaders, child.pid())->listed_threads, 1u);
  EXPECT_EQ(process(leaders, child.pid())->thread_count, 4u);
}

TEST_P(Processes, AThreadsOwnTableIsSeenBesideItsGroups) {
  const Child child([](const UniqueFd& parent) {
    std::promise<std::pair<int, int>> ready;
    std::thread([&] {
      require(::unshare(CLONE_FILES) == 0);
      require(::close(parent.get()) == 0);  // in this thread's table alone
      const int fd = ::open("/etc/passwd", O_RDONLY);
      require(fd >= 0);
      ready.set_value({static_cast<int>(::syscall(SYS_gettid)), fd});
      while (true) ::pause();
    }).detach();
    const auto [tid, fd] = ready.get_future().get();
    say(parent, std::to_string(tid) + " " + std::to_string(fd));
  });
  int tid = 0, fd = 0;
  ASSERT_EQ(std::sscanf(child.said().c_str(), "%d %d", &tid, &fd), 2);
  const Survey survey = take();
  EXPECT_EQ(descriptor(survey, child.pid(), fd), nullptr);
  const auto own = std::ranges::find_if(survey.descriptors, [&](const Descriptor& d) {
    return d.table == Tid(tid) && d.fd == Fd(fd);
  });
  ASSERT_NE(own, survey.descriptors.end());
  EXPECT_EQ(survey.process_of(*own).key.pid, Pid(child.pid()));
  EXPECT_EQ(survey.texts.at(own->name), "/etc/passwd");
  const auto by_process = [](const Descriptor& d) { return std::tuple(d.process, d.table, d.fd); };
  EXPECT_TRUE(std::ranges::is_sorted(survey.descriptors, {}, by_process));
}

TEST_P(Processes, OneWhoseLeaderHasEndedKeepsItsTable) {
  int fd = -1;
  const auto pipe = std::move(UniqueFd::pipe()).value();
  const int pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < 2; ++i) std::thread([] { ::pause(); }).detach();
    const int opened = ::open("/etc/passwd", O_RDONLY);
    if (::write(pipe.second.get(), &opened, sizeof opened) != sizeof opened) ::_exit(1);
    ::syscall(SYS_exit, 0);  // this thread alone
  }
  ASSERT_EQ(::read(pipe.first.get(), &fd, sizeof fd), static_cast<ssize_t>(sizeof fd));
  bool seen = false;
  for (int i = 0; i < 500 && !seen; ++i) {
    const Survey survey = take();
    const Process* found = process(survey, pid);
    ASSERT_TRUE(found);
    if (found->state != RunState('Z')) {
      ::usleep(10'000);
      continue;
    }
    seen = true;
    const auto rows = std::ranges::count_if(survey.descriptors, [&](const Descriptor& d) {
      return survey.process_of(d).key.pid == Pid(pid) && d.fd == Fd(fd);
    });
    EXPECT_EQ(rows, 1) << "two threads share the table";
    EXPECT_TRUE(descriptor(survey, pid, fd));
  }
  EXPECT_TRUE(seen);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST_P(Processes, OthersNamespacesAreSeenAndLabelled) {
  const Child child([](const UniqueFd& parent) {
    require(::unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET) == 0);
    require(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    const int inner = ::fork();
    if (inner == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
      require(::listen(listener, 1) == 0);
      say(parent, "x");
      ::close(parent.get());
      while (true) ::pause();
    }
    // The parent's end is held by both; said() is complete when both have let go of it.
    say(parent, std::to_string(inner) + " ");
  });
  // The two write in either order.
  std::string digits;
  for (const char c : child.said()) {
    if (c != 'x') digits.push_back(c);
  }
  const int inner = std::stoi(digits);
  const Survey survey = take();
  const Process* found = process(survey, inner);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->own_pid, Pid(1));
  EXPECT_EQ(found->parent, Pid(child.pid()));
  EXPECT_EQ(found->namespaces.pid, namespace_of(inner, "pid"));
  EXPECT_EQ(found->namespaces.mnt, namespace_of(inner, "mnt"));
  EXPECT_EQ(found->namespaces.net, namespace_of(inner, "net"));
  EXPECT_NE(found->namespaces.net, namespace_of(::getpid(), "net"));
  const auto listening = std::ranges::find_if(survey.sockets, [&](const Socket& s) {
    return s.net_namespace == found->namespaces.net && s.state == SocketState::kListen;
  });
  EXPECT_NE(listening, survey.sockets.end());
}

TEST_P(ProcessesOfBpf, NumbersAreThoseOfTheReadersNamespace) {
  // The survey is taken by the first process of a new pid namespace.
  const Child child([](const UniqueFd& parent) {
    require(::unshare(CLONE_NEWPID) == 0);
    const int inner = ::fork();
    if (inner > 0) {
      ::waitpid(inner, nullptr, 0);
      return;
    }
    auto source = open_bpf_survey();
    require(source.ok());
    const auto survey = (*source)->take({.command_lines = false});
    require(survey.ok());
    std::string seen;
    for (const Process& p : survey->processes) {
      seen += std::to_string(number(p.key.pid)) + "<" + std::to_string(number(p.parent)) + " ";
    }
    const bool own = std::ranges::all_of(survey->descriptors, [&](const Descriptor& d) {
      return survey->process_of(d).key.pid == Pid(1);
    });
    say(parent, seen + (own && !survey->descriptors.empty() ? "own" : "foreign"));
    ::_exit(0);
  });
  EXPECT_EQ(child.said(), "1<0 own");
}

TEST_P(Processes, ThoseThatDieMeanwhileCostNothing) {
  const Child churn([](const UniqueFd& parent) {
    if (::fork() != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    require(::close(parent.get()) == 0);
    while (true) {
      for (int i = 0; i < 20; ++i) {
        if (::fork() == 0) ::_exit(0);
      }
      while (::waitpid(-1, nullptr, WNOHANG) > 0) {
      }
    }
  });
  const int rounds = GetParam() == Survey::Source::kBpf ? 200 : 40;  // 5 ms and 20 ms each
  for (int i = 0; i < rounds; ++i) {
    const Survey survey = take();
    ASSERT_EQ(losses(survey), "");
    const Process* self = process(survey, ::getpid());
    ASSERT_TRUE(self);
    for (const Process& p : survey.processes) {
      // The older ones are the machine's; some of them may keep their descriptors to themselves.
      ASSERT_TRUE(p.error == 0 || p.key.start < self->key.start) << number(p.key.pid);
    }
  }
}

TEST_P(ProcessesOfBpf, WithoutPrivilegesTheReasonIsSaid) {
  const Child child([](const UniqueFd& parent) {
    require(::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) == 0);
    const auto source = open_bpf_survey();
    say(parent, source ? "loaded" : std::to_string(source.error().code) + source.error().advice);
    auto other = open_survey();
    require(other.ok());
    const auto survey = (*other)->take({.only = {Pid(::getpid())}});
    require(survey.ok() && survey->source == Survey::Source::kProc && !survey->blinds.empty());
    say(parent, "\n" + survey->blinds.front().what);
  });
  EXPECT_TRUE(child.said().starts_with("1BPF wants root")) << child.said();
  EXPECT_NE(child.said().find("\nkernel's own tables"), std::string::npos) << child.said();
}

INSTANTIATE_TEST_SUITE_P(Each, Processes,
                         testing::Values(Survey::Source::kBpf, Survey::Source::kProc),
                         name_of_source);
INSTANTIATE_TEST_SUITE_P(Alone, ProcessesOfBpf, testing::Values(Survey::Source::kBpf),
                         name_of_source);

}  // namespace
}  // namespace plumb::detect
