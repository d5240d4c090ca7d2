// SPDX-License-Identifier: Apache-2.0
// Diseases of C++ programs and their healthy twins: `leaks DISEASE [healthy]`. Guilty are a
// template's member, functions in namespaces, a lambda, an operator, a destructor that is missing.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace shop {

int must(int result) {
  if (result < 0) throw std::system_error(errno, std::generic_category());
  return result;
}

// What a disease does with a descriptor that it should close.
class Ward {
 public:
  explicit Ward(bool healthy) : healthy_(healthy) {}
  void done_with(int fd) const {
    if (healthy_) ::close(fd);
  }
  bool healthy() const { return healthy_; }

 private:
  bool healthy_;
};

// A cache that forgets what it opened when asked for the same thing again.
template <typename Key>
class Cache {
 public:
  explicit Cache(const Ward& ward) : ward_(ward) {}
  [[gnu::noipa]] void reload(const Key& key) {
    int& slot = open_.try_emplace(key, -1).first->second;
    if (slot >= 0) ward_.done_with(slot);
    slot = ::open(key.c_str(), O_RDONLY | O_CLOEXEC);
  }

 private:
  const Ward& ward_;
  std::map<Key, int> open_;
};

class Till {
 public:
  explicit Till(const Ward& ward) : ward_(ward) {
    listener_ = must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address_;
    must(::bind(listener_, pointer(), length));
    must(::listen(listener_, 64));
    must(::getsockname(listener_, pointer(), &length));
  }
  [[gnu::noipa]] void ask_server() { ward_.done_with(call()); }
  [[gnu::noipa]] void serve_one() {
    ward_.done_with(must(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)));
  }
  int call() {
    const int fd = must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    must(::connect(fd, pointer(), sizeof address_));
    return fd;
  }
  void answer_all() const {
    for (;;) ::close(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&address_); }

  const Ward& ward_;
  int listener_ = -1;
  sockaddr_in address_{};
};

[[gnu::noipa]] void parse_order(int turn, const Ward& ward) {
  const int fd = ::open("/etc/hostname", O_RDONLY | O_CLOEXEC);
  try {
    if (turn % 3 == 0) throw std::invalid_argument("no order");
  } catch (const std::invalid_argument&) {
    ward.done_with(fd);  // this way out forgets it
    return;
  }
  ::close(fd);
}

[[gnu::noipa]] void start_worker(const Ward& ward) {
  int ends[2];
  must(::pipe2(ends, O_CLOEXEC));
  const pid_t child = must(::fork());
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  ::close(ends[1]);
  ward.done_with(ends[0]);
}

[[gnu::noipa]] void wake_worker(const Ward& ward) {
  ward.done_with(::eventfd(0, EFD_CLOEXEC));
}

// An object that is called, as a callback is.
struct Watcher {
  const Ward& ward;
  [[gnu::noipa]] void operator()() const { ward.done_with(::epoll_create1(EPOLL_CLOEXEC)); }
};

[[gnu::noipa]] void follow_directory(const Ward& ward) {
  const int fd = ::inotify_init1(IN_CLOEXEC);
  ::inotify_add_watch(fd, "/tmp", IN_CREATE);
  ward.done_with(fd);
}

[[gnu::noipa]] void copy_output(const Ward& ward) {
  ward.done_with(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
}

// Descriptors that go from hand to hand over a unix socket.
class Counter {
 public:
  explicit Counter(const Ward& ward) : ward_(ward) {
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_));
  }
  void hand_over() {
    const int fd = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
    Letter letter;
    cmsghdr* head = CMSG_FIRSTHDR(&letter.message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    must(static_cast<int>(::sendmsg(pair_[0], &letter.message, 0)));
    ::close(fd);
  }
  [[gnu::noipa]] void take_descriptor() {
    Letter letter;
    must(static_cast<int>(::recvmsg(pair_[1], &letter.message, MSG_CMSG_CLOEXEC)));
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&letter.message)), sizeof fd);
    ward_.done_with(fd);
  }

 private:
  struct Letter {
    Letter() {
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = room;
      message.msg_controllen = sizeof room;
    }
    char byte = 'x';
    iovec part{&byte, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
  };
  const Ward& ward_;
  int pair_[2] = {-1, -1};
};

}  // namespace shop

int main(int count, char** words) {
  const std::vector<std::string> arguments(words, words + count);
  if (count < 2) return 2;
  const std::string& disease = arguments[1];
  const shop::Ward ward(count > 2 && arguments[2] == "healthy");
  shop::Cache<std::string> cache(ward);
  shop::Till till(ward);
  shop::Counter counter(ward);
  const shop::Watcher watcher{ward};
  int turn = 0;
  const std::map<std::string, std::function<void()>> diseases = {
      {"file", [&] { cache.reload("/etc/passwd"); }},
      {"tcp", [&] { till.ask_server(); }},
      {"accept",
       [&] {
         ::close(till.call());
         till.serve_one();
       }},
      {"child-pipe", [&] { shop::start_worker(ward); }},
      {"eventfd", [&] { shop::wake_worker(ward); }},
      {"epoll", watcher},
      {"inotify",
       [&] {
         if (turn % 10 == 0) shop::follow_directory(ward);  // a user may have 128
       }},
      {"dup", [&] { shop::copy_output(ward); }},
      {"passed",
       [&] {
         counter.hand_over();
         counter.take_descriptor();
       }},
      {"error-path", [&] { shop::parse_order(turn, ward); }},
  };
  if (disease == "tcp") std::thread([&] { till.answer_all(); }).detach();
  for (; turn < 900; ++turn) {
    diseases.at(disease)();
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
  }
  ::pause();
}
