// SPDX-License-Identifier: Apache-2.0
// Every kind is told from the facts that the kernel gives about it.
#include "detect/source/classify.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace plumb::detect {
namespace {

struct Case {
  const char* what;
  FileFacts facts;
  Kind kind;
};

// Modes, devices and names as Linux 6.18 gives them.
const Case kCases[] = {
    {"file", {.mode = 0100644, .name = "/etc/hosts"}, Kind::kFile},
    {"directory", {.mode = 040755, .name = "/etc"}, Kind::kDirectory},
    {"symlink", {.mode = 0120777, .name = "/bin"}, Kind::kSymlink},
    {"null",
     {.mode = 020666, .rdev_major = 1, .rdev_minor = 3, .name = "/dev/null"},
     Kind::kCharacterDevice},
    {"tty",
     {.mode = 020666, .rdev_major = 5, .rdev_minor = 0, .name = "/dev/tty"},
     Kind::kCharacterDevice},
    {"loop", {.mode = 060660, .rdev_major = 7, .name = "/dev/loop0"}, Kind::kBlockDevice},
    {"fifo", {.mode = 010644, .name = "/run/x"}, Kind::kFifo},
    {"pipe", {.mode = 010600, .name = "pipe:[77]"}, Kind::kPipe},
    {"ptmx", {.mode = 020666, .rdev_major = 5, .rdev_minor = 2, .name = "/dev/ptmx"}, Kind::kPty},
    {"slave",
     {.mode = 020620, .rdev_major = 136, .rdev_minor = 4, .name = "/dev/pts/4"},
     Kind::kPty},
    {"socket", {.mode = 0140777, .name = "socket:[5]"}, Kind::kSocket},
    {"bound socket by path", {.mode = 0140755, .name = "/run/s"}, Kind::kSocket},
    {"epoll", {.mode = 0600, .name = "anon_inode:[eventpoll]"}, Kind::kEpoll},
    {"eventfd", {.mode = 0600, .name = "anon_inode:[eventfd]"}, Kind::kEventfd},
    {"timerfd", {.mode = 0600, .name = "anon_inode:[timerfd]"}, Kind::kTimerfd},
    {"signalfd", {.mode = 0600, .name = "anon_inode:[signalfd]"}, Kind::kSignalfd},
    {"inotify", {.mode = 0600, .name = "anon_inode:inotify"}, Kind::kInotify},
    {"fanotify", {.mode = 0600, .name = "anon_inode:[fanotify]"}, Kind::kFanotify},
    {"pidfd", {.mode = 0700, .name = "anon_inode:[pidfd]"}, Kind::kPidfd},
    {"pidfs", {.mode = 0700, .filesystem = Filesystem::kPidfs}, Kind::kPidfd},
    {"io_uring", {.mode = 0600, .name = "anon_inode:[io_uring]"}, Kind::kIoUring},
    {"perf", {.mode = 0600, .name = "anon_inode:[perf_event]"}, Kind::kPerfEvent},
    {"userfaultfd", {.mode = 0600, .name = "anon_inode:[userfaultfd]"}, Kind::kUserfaultfd},
    {"bpf map", {.mode = 0600, .name = "anon_inode:bpf-map"}, Kind::kBpf},
    {"bpf program", {.mode = 0600, .name = "anon_inode:bpf-prog"}, Kind::kBpf},
    {"bpf link", {.mode = 0600, .name = "anon_inode:bpf_link"}, Kind::kBpf},
    {"btf", {.mode = 0600, .name = "anon_inode:btf"}, Kind::kBpf},
    {"seccomp", {.mode = 0600, .name = "anon_inode:seccomp notify"}, Kind::kSeccomp},
    {"landlock", {.mode = 0600, .name = "anon_inode:[landlock-ruleset]"}, Kind::kLandlock},
    {"fsopen", {.mode = 0600, .name = "anon_inode:[fscontext]"}, Kind::kMountContext},
    {"stranger", {.mode = 0600, .name = "anon_inode:kvm-vm"}, Kind::kUnknown},
    {"as BPF sees it",
     {.mode = 0100600, .filesystem = Filesystem::kAnonymousInodes, .name = "[eventpoll]"},
     Kind::kEpoll},
    {"memfd",
     {.mode = 0100777, .filesystem = Filesystem::kTmpfs, .name = "/memfd:x (deleted)"},
     Kind::kMemfd},
    {"huge memfd",
     {.mode = 0100777, .filesystem = Filesystem::kHugePages, .name = "/memfd:x (deleted)"},
     Kind::kMemfd},
    {"no memfd",
     {.mode = 0100644, .filesystem = Filesystem{0xef53}, .name = "/memfd:x"},
     Kind::kFile},
    {"secret memory", {.mode = 0100600, .filesystem = Filesystem::kSecretMemory}, Kind::kMemfd},
    {"mqueue", {.mode = 0100600, .filesystem = Filesystem::kMqueue, .name = "/q"}, Kind::kMqueue},
    {"mqueue's root",
     {.mode = 041777, .filesystem = Filesystem::kMqueue, .name = "/dev/mqueue"},
     Kind::kDirectory},
    {"dmabuf",
     {.mode = 0100600, .filesystem = Filesystem::kDmabuf, .name = "/dmabuf:"},
     Kind::kDmabuf},
    {"namespace",
     {.mode = 0100444, .filesystem = Filesystem::kNamespaces, .name = "net:[4026531833]"},
     Kind::kNamespace},
    {"namespace by name", {.mode = 0100444, .name = "user:[4026531837]"}, Kind::kNamespace},
    {"nothing known", {.mode = 0, .name = ""}, Kind::kUnknown},
};

TEST(Classify, NamesEachKind) {
  for (const auto& c : kCases) EXPECT_EQ(classify(c.facts), c.kind) << c.what;
}

TEST(Classify, SocketsByProtocol) {
  EXPECT_EQ(classify_socket(AF_UNIX, SOCK_DGRAM, 0), Kind::kUnix);
  EXPECT_EQ(classify_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP), Kind::kTcp);
  EXPECT_EQ(classify_socket(AF_INET6, SOCK_STREAM, 262), Kind::kTcp);
  EXPECT_EQ(classify_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP), Kind::kSocket);
  EXPECT_EQ(classify_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP), Kind::kUdp);
  EXPECT_EQ(classify_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), Kind::kSocket);
  EXPECT_EQ(classify_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), Kind::kRaw);
  EXPECT_EQ(classify_socket(AF_NETLINK, SOCK_RAW, 0), Kind::kNetlink);
  EXPECT_EQ(classify_socket(AF_PACKET, SOCK_RAW, 3), Kind::kPacket);
  EXPECT_EQ(classify_socket(AF_VSOCK, SOCK_STREAM, 0), Kind::kVsock);
  EXPECT_EQ(classify_socket(AF_ALG, SOCK_SEQPACKET, 0), Kind::kSocket);
}

std::string printed(Kind kind, std::string_view name, bool unlinked = false) {
  NameBuffer buffer;
  return std::string(printed_name(kind, name, unlinked, buffer));
}

TEST(PrintedName, AnonymousInodesStandInOnePairOfBrackets) {
  EXPECT_EQ(printed(Kind::kEpoll, "anon_inode:[eventpoll]"), "[eventpoll]");
  EXPECT_EQ(printed(Kind::kInotify, "anon_inode:inotify"), "[inotify]");
  EXPECT_EQ(printed(Kind::kSeccomp, "anon_inode:seccomp notify"), "[seccomp notify]");
}

TEST(PrintedName, ANameThatIsTooLongStaysAsItIs) {
  const std::string name = "anon_inode:" + std::string(100, 'x');
  EXPECT_EQ(printed(Kind::kUnknown, name), name);
}

TEST(PrintedName, DeletedIsCutOnceAndOnlyWhereTheFileSaysSo) {
  EXPECT_EQ(printed(Kind::kFile, "/tmp/x (deleted)", true), "/tmp/x");
  EXPECT_EQ(printed(Kind::kFile, "/tmp/x (deleted) (deleted)", true), "/tmp/x (deleted)");
  EXPECT_EQ(printed(Kind::kFile, "/tmp/x (deleted)", false), "/tmp/x (deleted)");
}

TEST(PrintedName, MemfdsByTheirMakersName) {
  EXPECT_EQ(printed(Kind::kMemfd, "/memfd:cache (deleted)", true), "memfd:cache");
}

TEST(PrintedName, SocketsAndPipesHaveNoneButAPath) {
  EXPECT_EQ(printed(Kind::kPipe, "pipe:[7]"), "");
  EXPECT_EQ(printed(Kind::kTcp, "socket:[7]"), "");
  EXPECT_EQ(printed(Kind::kSocket, "/run/s"), "/run/s");
}

TEST(PtyOf, TellsEndAndNumber) {
  EXPECT_TRUE(pty_of(5, 2)->master);
  EXPECT_FALSE(pty_of(5, 2)->index.has_value());
  EXPECT_FALSE(pty_of(136, 9)->master);
  EXPECT_EQ(pty_of(136, 9)->index, 9u);
  EXPECT_EQ(pty_of(137, 1)->index, 257u);
  EXPECT_TRUE(pty_of(128, 3)->master);
  EXPECT_FALSE(pty_of(1, 3).has_value());
}

}  // namespace
}  // namespace plumb::detect
