# SPDX-License-Identifier: Apache-2.0
"""A server whose clients lose their machine: TCP_REPAIR closes a socket without a FIN or RST."""
import socket
import subprocess
import sys
import time

CLIENT = """
import socket, sys, time
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(4)]
for client in held:
    client.sendall(b"hello")
time.sleep(1)
for client in held:
    client.setsockopt(socket.IPPROTO_TCP, 19, 1)  # TCP_REPAIR
    client.close()
"""
listener = socket.create_server(("127.0.0.1", 0))
script = CLIENT if len(sys.argv) <= 2 else CLIENT.split("for client in held:\n    client.setsockopt")[0] + "time.sleep(3600)"
client = subprocess.Popen([sys.executable, "-c", script, str(listener.getsockname()[1])])
served = [listener.accept()[0] for _ in range(4)]
for connection in served:
    connection.recv(100)
time.sleep(3600)
