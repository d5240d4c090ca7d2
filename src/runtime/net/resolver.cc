// SPDX-License-Identifier: Apache-2.0
// getaddrinfo on a thread.
#include "plumb/net/resolver.h"

#include <netdb.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "plumb/loop/event.h"
#include "plumb/loop/loop.h"

namespace plumb::runtime {
namespace {

using Addresses = std::vector<Address>;

std::optional<Address> as_number(const std::string& host, std::uint16_t port) {
  const bool six = host.find(':') != std::string::npos;
  auto address = Address::parse((six ? "[" + host + "]" : host) + ":" + std::to_string(port));
  if (host.empty() || !address) return std::nullopt;
  return *address;
}

Result<Addresses> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) {
    const int error = code == EAI_SYSTEM ? errno : code == EAI_AGAIN ? EAGAIN : ENOENT;
    return fail("look up", host, error, ::gai_strerror(code));
  }
  Addresses addresses;
  for (const addrinfo* it = found; it != nullptr; it = it->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, it->ai_addr, it->ai_addrlen);
    addresses.push_back(Address::from_kernel(storage, it->ai_addrlen).with_port(port));
  }
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace

// Shared by the waiting task, the thread and the posted answer; whoever is last frees it.
struct Resolver::Request {
  Request(std::string name, std::uint16_t to, Poster back)
      : host(std::move(name)), port(to), poster(std::move(back)) {}
  const std::string host;
  const std::uint16_t port;
  const Poster poster;
  Event answered;                              // the loop's thread only
  std::optional<Result<Addresses>> addresses;  // the thread's until it posts, then the loop's
};

struct Resolver::State {
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::deque<std::pair<std::shared_ptr<Request>, Loop*>> queue;
  bool ending = false;
  std::thread thread;

  void run() {
    for (;;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return ending || !queue.empty(); });
      if (ending) return;
      auto [request, loop] = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      request->addresses.emplace(look_up(request->host, request->port));
      const Poster poster = request->poster;
      // The call runs on the loop, so the loop is there.
      poster.post([answer = std::move(request), on = loop] { answer->answered.set(*on); });
    }
  }
};

Resolver::Resolver() : state_(std::make_unique<State>()) {}

Resolver::~Resolver() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->changed.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
}

Task<Result<std::vector<Address>>> Resolver::resolve(std::string host, std::uint16_t port) {
  if (const auto address = as_number(host, port)) co_return Addresses{*address};
  Context& context = co_await this_task();
  Loop& loop = context.loop();
  const auto request = std::make_shared<Request>(std::move(host), port, loop.poster());
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.emplace_back(request, &loop);
    if (!state_->thread.joinable()) {
      state_->thread = std::thread([state = state_.get()] { state->run(); });
    }
  }
  state_->changed.notify_one();
  if (auto waited = co_await request->answered.wait(); !waited) {
    co_return fail("look up", request->host, waited.error().code);
  }
  co_return std::move(*request->addresses);
}

}  // namespace plumb::runtime
