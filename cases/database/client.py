# SPDX-License-Identifier: Apache-2.0
"""Takes a database connection for each report and gives it back only when there is something to say."""
import socket
import sys
import time

pool = []


def query(connection, text):
    connection.sendall(text)
    return connection.recv(100)


def make_report(port, healthy):
    connection = socket.create_connection(("127.0.0.1", port))
    if query(connection, b"GET report\r\n") != b"$-1\r\n" or healthy:
        connection.close()
        return
    pool.append(connection)


while True:
    make_report(int(sys.argv[1]), len(sys.argv) > 2)
    time.sleep(0.5)
