// SPDX-License-Identifier: Apache-2.0
// Reading net.ipv4.ip_local_port_range where it counts.
#include "app/cli/port_range.h"

#include <string>

#include "detect/source/net_namespace.h"
#include "plumb/base/text.h"

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
  const auto net = detect::open_net_namespace(*process);
  if (!net) return read_here();
  // /proc/sys/net shows the namespace of the thread that reads it.
  PortRange range;
  const auto entered = detect::in_net_namespace(*net, [&] { range = read_here(); });
  return entered ? range : read_here();
}

}  // namespace plumb::app
