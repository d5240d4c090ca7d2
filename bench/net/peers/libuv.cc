// SPDX-License-Identifier: Apache-2.0
// libuv: one buffer per connection, uv_try_write first, as its fast users do.
#include <arpa/inet.h>
#include <signal.h>
#include <uv.h>

#include <cstdio>

#include "reply.h"

namespace {

bench::Service service;

struct Connection {
  uv_tcp_t tcp;
  char buffer[512];
};

void give_buffer(uv_handle_t* handle, size_t, uv_buf_t* out) {
  auto* connection = static_cast<Connection*>(handle->data);
  *out = uv_buf_init(connection->buffer, sizeof connection->buffer);
}

void on_closed(uv_handle_t* handle) {
  delete static_cast<Connection*>(handle->data);
}

void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
  if (got < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(stream), on_closed);
    return;
  }
  const auto reply = bench::reply_to({buffer->base, static_cast<std::size_t>(got)}, service);
  if (reply.empty()) return;
  uv_buf_t out = uv_buf_init(const_cast<char*>(reply.data()), static_cast<unsigned>(reply.size()));
  uv_try_write(stream, &out, 1);
}

void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* connection = new Connection;
  uv_tcp_init(listener->loop, &connection->tcp);
  connection->tcp.data = connection;
  auto* stream = reinterpret_cast<uv_stream_t*>(&connection->tcp);
  if (uv_accept(listener, stream) == 0) {
    uv_read_start(stream, give_buffer, on_read);
  } else {
    uv_close(reinterpret_cast<uv_handle_t*>(stream), on_closed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  service = bench::service_named(argc, argv);
  signal(SIGPIPE, SIG_IGN);  // libuv does not set MSG_NOSIGNAL
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  sockaddr_in address{};
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&address), 0);
  uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 1024, on_connection);
  int size = sizeof address;
  uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
