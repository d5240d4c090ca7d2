// SPDX-License-Identifier: Apache-2.0
// registry: refuses everybody with a 401 that says why in its body, and keeps connections, as
// servers do.
#include <string>

#include "app/cast/cast.h"
#include "app/cast/wires.h"

namespace plumb::cast {
namespace {

std::string refusal() {
  const std::string body = "{\"errors\": [{\"code\": \"UNAUTHORIZED\"}]}\n";
  return "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

int registry(int, char**) {
  serve([](int client) { return read_head(client) && send_all(client, refusal()); });
}

}  // namespace plumb::cast
