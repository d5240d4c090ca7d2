# SPDX-License-Identifier: Apache-2.0
"""Sends the reading end of a pipe to a worker twice a second; the worker receives if it is healthy."""
import os
import pathlib
import socket
import sys
import time

master, worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
child = os.fork()
if child == 0:
    master.close()
    while True:
        if len(sys.argv) > 2:
            for descriptor in socket.recv_fds(worker, 10, 4)[1]:
                os.close(descriptor)
        else:
            time.sleep(60)


def hand_over():
    reader, writer = os.pipe()
    try:
        socket.send_fds(master, [b"x"], [reader], socket.MSG_DONTWAIT)
    except BlockingIOError:
        pass
    os.close(reader)
    os.close(writer)


worker.close()
pathlib.Path(sys.argv[1], "worker").write_text(str(child))
while True:
    hand_over()
    time.sleep(0.5)
