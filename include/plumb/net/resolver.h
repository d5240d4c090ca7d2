// SPDX-License-Identifier: Apache-2.0
// Resolver: host names to addresses by the system's own rules (getaddrinfo: /etc/hosts, DNS, …),
// which block, hence on a thread of its own. The thread belongs to this object; a caller that is
// cancelled goes at once, and the answer that nobody waits for is dropped.
// Threads: resolve() on any loop's thread. It must outlive its callers; its end waits for a lookup
// that is under way, which the system's own time limits bound.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plumb/base/result.h"
#include "plumb/loop/task.h"
#include "plumb/net/address.h"

namespace plumb::runtime {

class Resolver {
 public:
  Resolver();
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // At least one address, best first. IP addresses are given back without a lookup. Errors: ENOENT
  // (no such name), EAGAIN (the name server does not answer), ECANCELED, ETIMEDOUT.
  Task<Result<std::vector<Address>>> resolve(std::string host, std::uint16_t port);

 private:
  struct Request;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plumb::runtime
