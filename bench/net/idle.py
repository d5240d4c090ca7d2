#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""User memory per idle connection: plumb's two faces beside libuv, asio and libevent.

usage: bench/net/idle.py BUILD [CONNECTIONS]      BUILD: a release tree configured with PLUMB_BENCH=ON
The growth of a server's private memory (Pss of /proc/PID/smaps_rollup) when so many connections stand
that have exchanged one message, and again with as many more, so that what is paid once does not
count. Exit status 1 when plumb needs more than 1 KiB for one.
"""
import pathlib
import resource
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import side_by_side as bench  # noqa: E402

SERVERS = {
    "plumb": ["net_plumb", "echo"],
    "plumb coroutine": ["net_plumb", "echo", "coroutine"],
    "libuv": ["peer_libuv", "echo"],
    "asio": ["peer_asio", "echo"],
    "libevent": ["peer_libevent", "echo"],
}
AIM = 1024
SETTLE = 0.5  # seconds, until the server has accepted what the kernel has


def pss_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))


def hold(load, port, count):
    """A process that holds `count` idle connections until its standard input ends."""
    holder = subprocess.Popen([load, "idle", str(port), str(count)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    if holder.stdout.readline().strip() != "ready":
        raise RuntimeError("the load generator could not connect")
    time.sleep(SETTLE)
    return holder


def bytes_each(build, command, count):
    with bench.server([build / command[0], *command[1:]]) as (process, port):
        holders = [hold(build / "net_load", port, count)]
        before = pss_bytes(process.pid)
        holders.append(hold(build / "net_load", port, count))
        after = pss_bytes(process.pid)
        for holder in holders:
            holder.stdin.close()
            holder.wait()
            holder.stdout.close()
    return (after - before) / count


def main():
    build = pathlib.Path(sys.argv[1]) / "bench/net"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(bench.machine())
    figures = bench.interleave(SERVERS, lambda name: bytes_each(build, SERVERS[name], count), rounds=3)
    print(f"\nuser memory of an idle connection (bytes, median of 3, {count:,} connections)")
    reached = True
    for name, values in figures.items():
        median = sorted(values)[len(values) // 2]
        aim = ""
        if name.startswith("plumb"):
            reached &= median <= AIM
            aim = f"  (aim ≤ {AIM}{'' if median <= AIM else ', MISSED'})"
        print(f"  {name:<16}{median:>8,.0f}   {min(values):>7,.0f} … {max(values):<7,.0f}{aim}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
