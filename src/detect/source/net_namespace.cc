// SPDX-License-Identifier: Apache-2.0
// setns(2), by a thread that ends with it.
#include "detect/source/net_namespace.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <string>
#include <thread>

namespace plumb::detect {

Result<UniqueFd> open_net_namespace(Pid process) {
  const std::string path = "/proc/" + std::to_string(number(process)) + "/ns/net";
  return UniqueFd::open(path.c_str(), O_RDONLY);
}

Result<void> in_net_namespace(const UniqueFd& net_namespace, const std::function<void()>& what) {
  int error = 0;
  // A thread that ends takes its change of namespace with it.
  std::thread([&] {
    if (::setns(net_namespace.get(), CLONE_NEWNET) != 0) {
      error = errno;
    } else {
      what();
    }
  }).join();
  if (error != 0) return fail("setns", "a network namespace", error, "run as root");
  return {};
}

}  // namespace plumb::detect
