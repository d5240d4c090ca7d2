// SPDX-License-Identifier: Apache-2.0
// Reading net.ipv4.ip_local_port_range where it counts.
#include "app/cli/port_range.h"

#include <fcntl.h>
#include <sched.h>

#include <string>
#include <thread>

#include "plumb/base/text.h"
#include "plumb/base/unique_fd.h"

namespace plumb::app {
namespace {

using detect::PortRange;

PortRange read_here() {
  const auto range = read_file("/proc/sys/net/ipv4/ip_local_port_range", 64);
  if (!range) return {};
  std::string_view rest = trim(*range);
  const auto low = parse_number<std::uint16_t>(take_word(rest));
  const auto high = parse_number<std::uint16_t>(trim(rest));
  return low && high ? PortRange{*low, *high} : PortRange{};
}

}  // namespace

PortRange ephemeral_ports(std::optional<Pid> process) {
  if (!process) return read_here();
  const std::string path = "/proc/" + std::to_string(number(*process)) + "/ns/net";
  const auto net = UniqueFd::open(path.c_str(), O_RDONLY);
  if (!net) return read_here();
  PortRange range;
  // /proc/sys/net shows the namespace of the thread that reads it; one that ends takes its change
  // of namespace with it.
  std::thread([&] {
    (void)::setns(net->get(), CLONE_NEWNET);
    range = read_here();
  }).join();
  return range;
}

}  // namespace plumb::app
