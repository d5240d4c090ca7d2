#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server with 64 descriptors and more clients than that: each newcomer gets 200 or 503, nobody hangs,
nobody is reset, and when the crowd has left everything is as before."""
import collections
import os
import pathlib
import resource
import select
import socket
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

DESCRIPTORS, CROWD, NEWCOMERS = 64, 150, 5
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(port, request=b""):
    """Speaks at once: who is silent for 100 ms may be given up for the sake of others."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(request)
    client.setblocking(False)
    return client


def outcomes(clients, patience=5.0):
    """What became of each: a status, "reset", "end" or "hang"."""
    found = collections.Counter()
    waiting = {client.fileno(): client for client in clients}
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN)
    end = time.monotonic() + patience
    while waiting and (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            poll.unregister(number)
            try:
                head = waiting.pop(number).recv(4096)
                found[head[9:12].decode() if head else "end"] += 1
            except OSError:
                found["reset"] += 1
    found["hang"] += len(waiting)
    return +found


class Crowd(unittest.TestCase):
    def setUp(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))

        self.server = subprocess.Popen([program("plumb_web_server")], stdout=subprocess.PIPE, text=True,
                                       preexec_fn=few)
        self.port = int(self.server.stdout.readline())
        self.at_start = self.descriptors()

    def tearDown(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def leave(self, clients):
        for client in clients:
            client.close()
        end = time.monotonic() + 5
        while self.descriptors() != self.at_start and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(self.descriptors(), self.at_start)

    def test_a_talking_crowd(self):
        clients = [connect(self.port, REQUEST) for _ in range(CROWD)]
        found = outcomes(clients)
        self.assertEqual(found["200"] + found["503"], CROWD, found)
        self.leave(clients)

    def test_newcomers_behind_a_silent_crowd(self):
        silent = [connect(self.port) for _ in range(CROWD)]
        time.sleep(0.5)
        newcomers = [connect(self.port, REQUEST) for _ in range(NEWCOMERS)]
        found = outcomes(newcomers)
        self.assertEqual(found["200"] + found["503"], NEWCOMERS, found)
        self.leave(silent + newcomers)

    def test_newcomers_behind_event_streams(self):
        """Nothing idle can be given up here: 503, at once."""
        events = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
        streams = [connect(self.port, events) for _ in range(CROWD)]
        found = outcomes(streams)
        self.assertEqual(found["200"] + found["503"], CROWD, found)
        began = time.monotonic()
        newcomer = connect(self.port, REQUEST)
        self.assertEqual(outcomes([newcomer]), {"503": 1})
        self.assertLess(time.monotonic() - began, 1)
        self.leave(streams + [newcomer])


if __name__ == "__main__":
    main()
