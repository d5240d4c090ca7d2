# SPDX-License-Identifier: Apache-2.0
"""Clients that connect and then say nothing: clients.py PORT COUNT, one every 20 ms."""
import socket
import sys
import time

held = []
for _ in range(int(sys.argv[2])):
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", int(sys.argv[1])))
    held.append(client)
    time.sleep(0.02)
time.sleep(3600)
