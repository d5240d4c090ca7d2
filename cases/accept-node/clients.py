# SPDX-License-Identifier: Apache-2.0
"""Clients that stay, and others that try twice a second: clients.py PORT COUNT."""
import socket
import sys
import time

held = []
while True:
    client = socket.socket()
    client.settimeout(2)
    client.connect(("127.0.0.1", int(sys.argv[1])))
    if len(held) < int(sys.argv[2]):
        held.append(client)
        time.sleep(0.02)
        continue
    client.close()
    time.sleep(0.5)
