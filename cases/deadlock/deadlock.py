# SPDX-License-Identifier: Apache-2.0
"""Two processes that ask each other over a socket pair: both wait for an answer, neither gives one."""
import os
import socket
import sys
import time

ours, theirs = socket.socketpair()
other = os.fork() == 0
mine = theirs if other else ours
(ours if other else theirs).close()
if len(sys.argv) > 2 and other:
    while True:
        mine.sendall(b"tick")
        time.sleep(0.5)
while mine.recv(100):
    pass
