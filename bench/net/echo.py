#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Echo and accept storm: plumb's two faces beside libuv, asio, libevent and a textbook epoll loop.

usage: bench/net/echo.py BUILD [SECONDS [ROUNDS]]
BUILD: a release tree configured with PLUMB_BENCH=ON
Servers run on core 0, the load on core 1. Exit status 1 when an aim is missed.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import side_by_side as bench  # noqa: E402

CONNECTIONS = 64
SERVERS = {
    "plumb": ["net_plumb", "echo"],
    "plumb coroutine": ["net_plumb", "echo", "coroutine"],
    "libuv": ["peer_libuv", "echo"],
    "asio": ["peer_asio", "echo"],
    "libevent": ["peer_libevent", "echo"],
    "naive epoll": ["peer_naive", "echo"],
}


def main():
    build = pathlib.Path(sys.argv[1]) / "bench/net"
    seconds = sys.argv[2] if len(sys.argv) > 2 else "4"
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5

    def measure(mode, name):
        program, *arguments = SERVERS[name]
        with bench.server([build / program, *arguments]) as (_, port):
            words = bench.pinned([build / "net_load", mode, str(port), str(CONNECTIONS), seconds])
        return float(words[0])

    print(bench.machine())
    echo = bench.interleave(SERVERS, lambda name: measure("echo", name), rounds)
    storm = bench.interleave(SERVERS, lambda name: measure("storm", name), rounds)
    reached = bench.print_table(f"echo 64 B x {CONNECTIONS}", "round trips/s", echo, "plumb",
                                {"libuv": 1.0, "asio": 1.0, "plumb coroutine": 0.9})
    reached &= bench.print_table("accept storm: connect, 64 B, reset", "connections/s", storm,
                                 "plumb", {"libuv": 1.0, "plumb coroutine": 0.9})
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
