#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A chain of processes, each of which waits for the next one.

chain.py FOLDER LINK... : LINK is pipe, unix, tcp, flock, posix, ofd or child, with :poll, :select or :epoll
behind the first three for a process that waits in that call, on other descriptors too. The last process
sleeps; with "loop" as the last link it waits for the first one instead. Each prints its place and pid, and
the last one "ready". All end with the first one.
"""
import ctypes
import fcntl
import os
import select
import socket
import struct
import sys
import time


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def wait_for_input(fd, how):
    """Waits until the descriptor can be read, in the call that is asked for."""
    others = [os.pipe()[0], os.eventfd(0)]
    if how == "poll":
        poll = select.poll()
        for each in (*others, fd):
            poll.register(each, select.POLLIN)
        poll.poll()
    elif how == "select":
        select.select([*others, fd], [], [])
    elif how == "epoll":
        epoll = select.epoll()
        for each in (*others, fd):
            epoll.register(each, select.EPOLLIN)
        epoll.poll()
    os.read(fd, 1)


def lock(fd, kind):
    if kind == "flock":
        fcntl.flock(fd, fcntl.LOCK_EX)
        return
    command = fcntl.F_SETLKW if kind == "posix" else 38  # F_OFD_SETLKW
    fcntl.fcntl(fd, command, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))


def die_with_parent():
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL


def run(folder, links, place=0, mine=(), ring=None):
    """mine: what this process holds for the one before it; ring: the other end of what the first one holds."""
    say(place, os.getpid())
    if not links:
        say("ready")
        time.sleep(600)
        return
    link, _, how = links[0].partition(":")
    if link == "loop":
        say("ready")
        ring.recv(1)
        return
    started_read, started_write = os.pipe()
    path = os.path.join(folder, f"lock{place}")
    listener = socket.create_server(("127.0.0.1", 0)) if link == "tcp" else None
    pair = os.pipe() if link == "pipe" else socket.socketpair() if link == "unix" else None
    kept, last = socket.socketpair() if place == 0 and links[-1] == "loop" else (None, ring)
    if os.fork() == 0:
        die_with_parent()
        for each in mine:
            os.close(each)
        if kept:
            kept.close()
        held = []
        if link == "pipe":
            os.close(pair[0])
            held = [pair[1]]
        elif link == "unix":
            pair[0].close()
            held = [pair[1].detach()]
        elif link == "tcp":
            connection = listener.accept()[0]
            listener.close()
            held = [connection.detach()]
        elif link in ("flock", "posix", "ofd"):
            held = [os.open(path, os.O_RDWR | os.O_CREAT)]
            lock(held[0], link)
        os.write(started_write, b".")
        os.close(started_write)
        os.close(started_read)
        run(folder, links[1:], place + 1, held, last)
        os._exit(0)
    if last:
        last.close()
    if link == "pipe":
        os.close(pair[1])
        fd = pair[0]
    elif link == "unix":
        pair[1].close()
        fd = pair[0].fileno()
    elif link == "tcp":
        connection = socket.create_connection(listener.getsockname())
        listener.close()
        fd = connection.fileno()
    os.read(started_read, 1)
    os.close(started_read)
    os.close(started_write)
    if link in ("flock", "posix", "ofd"):
        lock(os.open(path, os.O_RDWR), link)
    elif link == "child":
        os.wait()
    else:
        wait_for_input(fd, how)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2:])
