# SPDX-License-Identifier: Apache-2.0
"""Answers each client, who then closes; the server keeps its end in a table of sessions."""
import socket
import sys
import threading
import time

sessions = {}


def serve_session(connection, healthy):
    connection.recv(100)
    connection.sendall(b"ok")
    if healthy:
        connection.close()
    else:
        sessions[connection.fileno()] = connection


def talk(address):
    while True:
        with socket.create_connection(address) as client:
            client.sendall(b"hello")
            client.recv(100)
        time.sleep(0.4)


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=talk, args=(listener.getsockname(),), daemon=True).start()
while True:
    serve_session(listener.accept()[0], len(sys.argv) > 2)
