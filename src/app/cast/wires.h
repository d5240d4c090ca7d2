// SPDX-License-Identifier: Apache-2.0
// Wires: what the demonstration's programs do with sockets, on 127.0.0.1 alone. They are written on
// plain system calls, as what they play was: plumb's runtime does not let one write these bugs.
//
// Every function ends the program with a message where the system refuses what cannot go wrong
// here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "plumb/base/unique_fd.h"

namespace plumb::cast {

// Ends the program: "reactor: bind: Address already in use".
[[noreturn]] void give_up(std::string_view what);

// A listening socket on a port that the kernel chooses.
UniqueFd listen_here();
std::uint16_t port_of(int socket);
// Tells the demonstration on which port this program can be reached, on standard output.
void announce(std::uint16_t port);

// Waits for many sockets at once, level-triggered.
class Watch {
 public:
  Watch();
  void add(int socket);
  // One that can be read.
  int next();

 private:
  UniqueFd epoll_;
};

// Announces a server, keeps whoever comes, and calls `answer` with a client that has written, for
// ever. False lets that client go.
[[noreturn]] void serve(const std::function<bool(int client)>& answer);

// Empty where nobody listens there, or where this program has no descriptor left.
UniqueFd connect_to(std::uint16_t port);

// False where the other side is gone.
bool send_all(int socket, std::string_view bytes);

// A message's head and the part of its body that came with it.
struct Message {
  std::string head;  // with the empty line
  std::string body;
  std::optional<std::size_t> length;  // Content-Length
};
// Nothing where the connection ended before a whole head came.
std::optional<Message> read_head(int socket);
// Reads the body as far as its length says; without one, until the connection ends.
void read_body(int socket, Message& message);
// The value of a field, by its name in lower case; nothing where it is not there.
std::optional<std::string> field_of(std::string_view head, std::string_view name);

// The last argument as a port.
std::uint16_t port_argument(int argc, char** argv);

}  // namespace plumb::cast
