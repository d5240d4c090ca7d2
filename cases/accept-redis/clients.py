# SPDX-License-Identifier: Apache-2.0
"""Ninety clients that stay and say nothing; who is turned away comes again after half a second."""
import select
import socket
import sys
import time

held = []
while True:
    while len(held) < 90:
        client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        held.append(client)
        time.sleep(0.005)
    time.sleep(0.5)
    for client in select.select(held, [], [], 0)[0]:
        client.close()
        held.remove(client)
