# SPDX-License-Identifier: Apache-2.0
"""Fifty clients a second; each twentieth says what the server does not understand."""
import itertools
import socket
import sys
import time

for number in itertools.count():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as client:
        if number % 20 == 0:
            client.sendall(b"\x16\x03\x01")
        else:
            client.sendall(b"GET /\n")
            client.recv(10)
    time.sleep(0.02)
