// SPDX-License-Identifier: Apache-2.0
// service: four jobs, each with its own prime period, that ask a registry over pooled connections.
// One of them returns at a refusal and gives the connection back to nobody: what Go's net/http does
// when a response's body is not closed, acted out. Each run is told by the probe plumb:mark, as
// jobs of plumb's runtime tell theirs.
#include <sys/sdt.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "app/cast/cast.h"
#include "app/cast/wires.h"

namespace plumb::cast {

using namespace std::chrono_literals;

// A client with idle connections. An answer has its connection until finish() is called.
class Client {
 public:
  struct Answer {
    int connection = -1;
    Message message;
    bool refused() const { return message.head.starts_with("HTTP/1.1 401"); }
  };

  explicit Client(std::uint16_t port) : port_(port) {}

  [[gnu::noinline]] Answer get(const std::string& path) {
    Answer answer{take_connection(), {}};
    send_all(answer.connection, "GET " + path + " HTTP/1.1\r\nHost: registry\r\n\r\n");
    if (auto head = read_head(answer.connection)) answer.message = *std::move(head);
    return answer;
  }

  // Reads the answer to its end and gives the connection back.
  void finish(Answer answer) {
    read_body(answer.connection, answer.message);
    const std::lock_guard lock(mutex_);
    idle_.emplace_back(answer.connection);
  }

 private:
  [[gnu::noinline]] int take_connection() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        const int taken = idle_.back().release();
        idle_.pop_back();
        return taken;
      }
    }
    return connect_to(port_).release();
  }

  std::uint16_t port_;
  std::mutex mutex_;
  std::vector<UniqueFd> idle_;
};

[[gnu::noinline]] void report_health(Client& client) {
  client.finish(client.get("/health"));
}
[[gnu::noinline]] void sync_tags(Client& client) {
  client.finish(client.get("/v2/app/tags/list"));
}
[[gnu::noinline]] void clean_cache(Client& client) {
  client.finish(client.get("/v2/_catalog"));
}

[[gnu::noinline]] bool check_images(Client& client) {
  const Client::Answer answer = client.get("/v2/app/manifests/latest");
  if (answer.refused()) return false;  // and the connection?
  client.finish(answer);
  return true;
}

namespace {

// One place for all: what a tracer attaches to.
[[gnu::noinline]] void mark(const char* name, const char* what, std::uint64_t run) {
  DTRACE_PROBE3(plumb, mark, name, what, run);
}

template <typename Job>
std::jthread every(std::chrono::milliseconds period, const char* name, Job job) {
  return std::jthread([period, name, job](const std::stop_token& stop) {
    for (std::uint64_t run = 1; !stop.stop_requested(); ++run) {
      mark(name, "start", run);
      job();
      mark(name, "stop", run);
      std::this_thread::sleep_for(period);
    }
  });
}

}  // namespace

int service(int argc, char** argv) {
  Client client(port_argument(argc, argv));
  const std::jthread health = every(307ms, "report health", [&] { report_health(client); });
  Client library(port_argument(argc, argv));  // has connections of its own
  const std::jthread images = every(1103ms, "check images", [&] { check_images(library); });
  const std::jthread tags = every(1709ms, "sync tags", [&] { sync_tags(client); });
  const std::jthread cache = every(2311ms, "clean cache", [&] { clean_cache(client); });
  for (;;) ::pause();
}

}  // namespace plumb::cast
