# SPDX-License-Identifier: Apache-2.0
"""Closes a connection that its epoll watches while a duplicate lives: it is told of it for ever."""
import os
import select
import socket
import sys

here, there = socket.socketpair()
epoll = select.epoll()
epoll.register(here.fileno(), select.EPOLLIN)
copy = os.dup(here.fileno())
if len(sys.argv) > 2:
    epoll.unregister(here.fileno())
here.close()
there.sendall(b"never read")
while True:
    epoll.poll()
