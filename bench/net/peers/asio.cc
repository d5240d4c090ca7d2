// SPDX-License-Identifier: Apache-2.0
// Standalone asio: callbacks, one buffer per connection, accept re-armed whatever it said.
#include <asio.hpp>

#include <array>
#include <cstdio>
#include <memory>

#include "reply.h"

namespace {

using asio::ip::tcp;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, bench::Service service)
      : socket_(std::move(socket)), service_(service) {}

  void read() {
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](auto error, auto n) {
      if (!error) self->reply(n);
    });
  }

 private:
  void reply(std::size_t got) {
    const auto bytes = bench::reply_to({buffer_.data(), got}, service_);
    if (bytes.empty()) return read();
    asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                      [self = shared_from_this()](auto error, auto) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  bench::Service service_;
  std::array<char, 512> buffer_;
};

void accept_on(tcp::acceptor& acceptor, bench::Service service) {
  acceptor.async_accept([&acceptor, service](auto error, tcp::socket socket) {
    if (!error) std::make_shared<Connection>(std::move(socket), service)->read();
    accept_on(acceptor, service);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const auto service = bench::service_named(argc, argv);
  asio::io_context loop(1);
  tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  acceptor.listen(1024);
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  accept_on(acceptor, service);
  loop.run();
}
