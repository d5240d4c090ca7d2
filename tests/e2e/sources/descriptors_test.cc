// SPDX-License-Identifier: Apache-2.0
// Descriptors of the running kernel: none is lost, and who shares them is told.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "children.h"
#include "survey_fixture.h"

namespace plumb::detect {
namespace {

class Descriptors : public SurveyTest {
 protected:
  static UniqueFd open(const char* path, int flags) {
    return std::move(UniqueFd::open(path, flags, 0600)).value();
  }
};

// A place of the test's own, removed with what is in it.
class Workshop {
 public:
  Workshop() {
    char name[] = "/tmp/plumb-survey-XXXXXX";
    if (::mkdtemp(name) != nullptr) path_ = name;
  }
  ~Workshop() {
    const std::string command = "rm -rf '" + path_ + "'";
    if (std::system(command.c_str()) != 0) ADD_FAILURE() << command;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST_P(Descriptors, NoneOfTwentyThousandWithLongNamesIsLost) {
  // Names from 200 to 4,095 bytes: rows of all sizes meet the end of the iterator's buffer at all
  // offsets.
  const Workshop workshop;
  constexpr std::size_t kPathMax = 4095, kPart = 250;
  std::vector<UniqueFd> open_files;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const std::size_t count = std::min<std::size_t>(20'000, limit.rlim_max) - 100;
  const rlimit soft = {limit.rlim_max, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &soft), 0);
  std::vector<std::pair<std::string, UniqueFd>> folders;
  folders.emplace_back(workshop.path(), open(workshop.path().c_str(), O_PATH | O_DIRECTORY));
  while (folders.back().first.size() + 1 + kPart + 200 < kPathMax) {
    const std::string part(kPart, static_cast<char>('a' + folders.size()));
    ASSERT_EQ(::mkdirat(folders.back().second.get(), part.c_str(), 0700), 0);
    auto folder = UniqueFd::open_at(folders.back().second, part, O_PATH | O_DIRECTORY);
    ASSERT_TRUE(folder);
    folders.emplace_back(folders.back().first + "/" + part, std::move(*folder));
  }
  std::map<int, std::string> names;
  while (open_files.size() + folders.size() < count) {
    const auto& [path, folder] = folders[open_files.size() % folders.size()];
    const std::size_t room = kPathMax - path.size() - 1;
    std::string name = std::to_string(open_files.size());
    name.resize(std::min<std::size_t>({room, 255, 10 + open_files.size() % 250}), 'x');
    auto file = UniqueFd::open_at(folder, name, O_CREAT | O_RDWR, 0600);
    ASSERT_TRUE(file) << file.error().message();
    names.emplace(file->get(), path + "/" + name);
    open_files.push_back(std::move(*file));
  }
  std::size_t longest = 0;
  for (const auto& [fd, name] : names) longest = std::max(longest, name.size());
  EXPECT_GE(longest, 3900u);

  const Survey survey = take({.sockets = false});
  EXPECT_EQ(losses(survey), "");
  std::size_t found = 0;
  for (const Descriptor& descriptor : survey.descriptors) {
    if (survey.process_of(descriptor).key.pid != Pid(::getpid())) continue;
    const auto name = names.find(number(descriptor.fd));
    if (name == names.end()) continue;
    ++found;
    ASSERT_EQ(survey.texts.at(descriptor.name), name->second);
  }
  EXPECT_EQ(found, names.size());
  open_files.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST_P(Descriptors, NoSocketOfNineteenThousandIsLost) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit soft = {limit.rlim_max, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &soft), 0);
  const std::size_t pairs = (std::min<std::size_t>(20'000, limit.rlim_max) - 200) / 2;
  std::vector<UniqueFd> ends;
  for (std::size_t i = 0; i < pairs; ++i) {
    auto pair = UniqueFd::socket_pair(AF_UNIX, SOCK_STREAM);
    ASSERT_TRUE(pair);
    ends.push_back(std::move(pair->first));
    ends.push_back(std::move(pair->second));
  }
  const Survey survey = take();
  EXPECT_EQ(losses(survey), "");
  std::map<int, const Socket*> sockets;
  for (const Descriptor& descriptor : survey.descriptors) {
    if (survey.process_of(descriptor).key.pid != Pid(::getpid())) continue;
    if (const Socket* socket = survey.socket_of(descriptor))
      sockets[number(descriptor.fd)] = socket;
  }
  for (std::size_t i = 0; i < ends.size(); i += 2) {
    const Socket* one = sockets[ends[i].get()];
    const Socket* other = sockets[ends[i + 1].get()];
    ASSERT_TRUE(one && other);
    ASSERT_EQ(one->peer, other->id);
    ASSERT_EQ(other->peer, one->id);
  }
  ends.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST_P(Descriptors, SharedFilesHaveOneIdentity) {
  const auto file = open("/etc/passwd", O_RDONLY);
  const auto again = open("/etc/passwd", O_RDONLY);
  const UniqueFd copy(::dup(file.get()));
  const auto wire = std::move(UniqueFd::socket_pair(AF_UNIX, SOCK_DGRAM)).value();
  // The child opens a file and passes it to this process, which never opened it.
  const Child child([&](const UniqueFd& parent) {
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const int mine = ::open("/etc/hosts", O_RDONLY);
    require(mine >= 0);
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof mine);
    std::memcpy(CMSG_DATA(head), &mine, sizeof mine);
    require(::sendmsg(wire.first.get(), &message, 0) == 1);
    say(parent, std::to_string(mine));
  });
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ASSERT_EQ(::recvmsg(wire.second.get(), &message, MSG_CMSG_CLOEXEC), 1);
  int received = -1;
  std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
  const UniqueFd passed(received);

  const Survey survey = take();
  const auto id = [&](int pid, int fd) {
    const Descriptor* found = descriptor(survey, pid, fd);
    EXPECT_TRUE(found) << pid << " " << fd;
    return found == nullptr ? std::nullopt : found->file;
  };
  const int self = ::getpid();
  ASSERT_TRUE(id(self, file.get()));
  EXPECT_EQ(id(self, file.get()), id(self, copy.get()));
  EXPECT_NE(id(self, file.get()), id(self, again.get()));
  EXPECT_EQ(id(self, again.get()), id(child.pid(), again.get())) << "inherited by fork";
  EXPECT_EQ(id(self, passed.get()), id(child.pid(), std::stoi(child.said())));
}

TEST_P(Descriptors, FilesAreDescribed) {
  const Workshop workshop;
  const std::string path = workshop.path() + "/held";
  auto file = open(path.c_str(), O_CREAT | O_RDWR | O_APPEND);
  const std::string text(10'000, 'x');
  ASSERT_EQ(::write(file.get(), text.data(), text.size()), 10'000);
  ASSERT_EQ(::fsync(file.get()), 0);  // until then the blocks are only promised
  ASSERT_EQ(::unlink(path.c_str()), 0);
  struct stat status {};
  ASSERT_EQ(::fstat(file.get(), &status), 0);
  const Survey survey = take();
  const Descriptor* found = descriptor(survey, ::getpid(), file.get());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::kFile);
  EXPECT_TRUE(found->unlinked);
  EXPECT_TRUE(found->close_on_exec);
  EXPECT_EQ(survey.texts.at(found->name), path);
  EXPECT_EQ(found->position, 10'000u);
  EXPECT_EQ(found->size, 10'000u);
  EXPECT_EQ(found->disk_bytes, static_cast<std::uint64_t>(status.st_blocks) * 512);
  EXPECT_EQ(found->inode, status.st_ino);
  EXPECT_EQ(found->mode, status.st_mode);
  EXPECT_EQ(found->device_major, major(status.st_dev));
  EXPECT_EQ(found->device_minor, minor(status.st_dev));
  EXPECT_TRUE(found->flags & O_APPEND);
  EXPECT_TRUE(found->flags & O_CLOEXEC);
}

TEST_P(Descriptors, KindsAreToldWithAndWithoutNames) {
  const auto pipe = std::move(UniqueFd::pipe()).value();
  const auto epoll = std::move(UniqueFd::epoll()).value();
  const auto event = std::move(UniqueFd::event(7, EFD_CLOEXEC)).value();
  const UniqueFd memfd(::memfd_create("cache", MFD_CLOEXEC));
  const auto null = open("/dev/null", O_RDONLY);
  const auto folder = open("/etc", O_RDONLY | O_DIRECTORY);
  const auto space = open("/proc/self/ns/net", O_RDONLY);
  const auto udp = std::move(UniqueFd::socket(AF_INET, SOCK_DGRAM, 0)).value();
  epoll_event watch{};
  watch.events = EPOLLIN;
  ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pipe.first.get(), &watch), 0);
  const std::vector<std::pair<int, Kind>> expected = {
      {pipe.first.get(), Kind::kPipe},      {epoll.get(), Kind::kEpoll},
      {event.get(), Kind::kEventfd},        {memfd.get(), Kind::kMemfd},
      {null.get(), Kind::kCharacterDevice}, {folder.get(), Kind::kDirectory},
      {space.get(), Kind::kNamespace},      {udp.get(), Kind::kUdp}};
  const Survey counted = take({.names = false, .sockets = false, .details = false});
  const Survey named = take();
  for (const auto& [fd, kind] : expected) {
    ASSERT_TRUE(descriptor(counted, ::getpid(), fd) && descriptor(named, ::getpid(), fd));
    EXPECT_EQ(descriptor(counted, ::getpid(), fd)->kind, kind) << name_of(kind);
    EXPECT_EQ(descriptor(named, ::getpid(), fd)->kind, kind) << name_of(kind);
  }
  const auto* watches =
      std::get_if<EpollDetail>(named.detail_of(*descriptor(named, ::getpid(), epoll.get())));
  ASSERT_TRUE(watches);
  ASSERT_EQ(watches->watches.size(), 1u);
  EXPECT_EQ(watches->watches[0].fd, Fd(pipe.first.get()));
  const auto* count =
      std::get_if<EventfdDetail>(named.detail_of(*descriptor(named, ::getpid(), event.get())));
  ASSERT_TRUE(count);
  EXPECT_EQ(count->count, 7u);
}

TEST_P(Descriptors, OnlyThoseAskedForAreRead) {
  const Survey survey = take({.only = {Pid(::getpid())}});
  EXPECT_FALSE(survey.descriptors.empty());
  for (const Descriptor& descriptor : survey.descriptors) {
    EXPECT_EQ(survey.process_of(descriptor).key.pid, Pid(::getpid()));
  }
  EXPECT_GT(survey.processes.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Each, Descriptors,
                         testing::Values(Survey::Source::kBpf, Survey::Source::kProc),
                         name_of_source);

}  // namespace
}  // namespace plumb::detect
