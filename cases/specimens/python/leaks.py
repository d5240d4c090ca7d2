#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Diseases of Python programs and their healthy twins: `leaks.py DISEASE [healthy]`.

A list keeps what a leak loses, because CPython closes a file as soon as nothing refers to it.
"""
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

DISEASE = sys.argv[1]
HEALTHY = sys.argv[2:] == ["healthy"]
kept = []
listener = socket.create_server(("127.0.0.1", 0))
near, far = socket.socketpair()
library = ctypes.CDLL(None)


def done_with(thing):
    if HEALTHY:
        thing.close()
    else:
        kept.append(thing)


def done_with_number(fd):
    if HEALTHY:
        os.close(fd)


def read_settings():
    file = open("/etc/passwd", encoding="utf-8")
    file.readline()
    done_with(file)


def ask_server():
    done_with(socket.create_connection(listener.getsockname()))


def serve_one():
    connection, _ = listener.accept()
    done_with(connection)


def start_worker():
    worker = subprocess.Popen(["true"], stdout=subprocess.PIPE)
    worker.wait()
    done_with(worker.stdout)


def make_signal():
    done_with_number(os.eventfd(0))


def watch_one():
    poll = select.epoll()
    poll.register(near, select.EPOLLIN)
    done_with(poll)


def follow_directory():
    # as the packages do that offer it: the standard library has no inotify
    watch = library.inotify_init1(os.O_CLOEXEC)
    library.inotify_add_watch(watch, b"/tmp", 0x100)  # IN_CREATE
    done_with_number(watch)


def copy_output():
    done_with_number(os.dup(2))


def pass_one_on():
    with open("/dev/zero", "rb") as file:
        socket.send_fds(near, [b"x"], [file.fileno()])


def take_descriptor():
    _, numbers, _, _ = socket.recv_fds(far, 1, 1)
    done_with_number(numbers[0])


def open_valid(turn):
    file = open("/etc/hostname", encoding="utf-8")
    if turn % 3 == 0:  # this way out forgets to close
        done_with(file)
        raise ValueError("not what we want")
    file.close()


def answer_clients():
    while True:
        listener.accept()[0].close()


def infect(turn):
    if DISEASE == "file":
        read_settings()
    elif DISEASE == "tcp":
        ask_server()
    elif DISEASE == "accept":
        with socket.create_connection(listener.getsockname()):
            serve_one()
    elif DISEASE == "child-pipe":
        start_worker()
    elif DISEASE == "eventfd":
        make_signal()
    elif DISEASE == "epoll":
        watch_one()
    elif DISEASE == "inotify":
        if turn % 10 == 0:
            follow_directory()
    elif DISEASE == "dup":
        copy_output()
    elif DISEASE == "passed":
        pass_one_on()
        take_descriptor()
    elif DISEASE == "error-path":
        try:
            open_valid(turn)
        except ValueError:
            pass
    elif DISEASE == "thread":  # the same as "file", in a thread that is not the first
        thread = threading.Thread(target=read_settings)
        thread.start()
        thread.join()
    else:
        sys.exit(f"no such disease: {DISEASE}")


if DISEASE == "tcp":
    threading.Thread(target=answer_clients, daemon=True).start()
for number in range(900):
    infect(number)
    time.sleep(0.04)
signal.pause()
