// SPDX-License-Identifier: Apache-2.0
// beat: one heartbeat through a proxy, as curl would send it. Where the answer says no length it
// reads until the connection ends, as RFC 9112, section 6.3, has it.
#include <unistd.h>

#include "app/cast/cast.h"
#include "app/cast/wires.h"

namespace plumb::cast {

int beat(int argc, char** argv) {
  const UniqueFd proxy = connect_to(port_argument(argc, argv));
  if (!proxy || argc < 3) give_up("connect");
  const std::string url = argv[1];
  if (!send_all(proxy.get(), "GET " + url + " HTTP/1.1\r\nHost: service.example\r\n\r\n")) return 1;
  auto answer = read_head(proxy.get());
  if (!answer) return 1;
  read_body(proxy.get(), *answer);
  return ::write(STDOUT_FILENO, answer->body.data(), answer->body.size()) < 0 ? 1 : 0;
}

}  // namespace plumb::cast
