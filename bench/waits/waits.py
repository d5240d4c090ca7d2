#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb waits over a thousand processes that wait for each other.

    bench/waits/waits.py BUILD [--chains N] [--rounds N]

Each chain is six processes over a pipe, a unix socket, TCP, flock and a child. Prints the median of the
rounds of the whole command, from its start to its end, as trees and as JSON. Exit status 1: an aim was
missed.
"""
import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench/support"), str(ROOT / "tests/support")]
from side_by_side import machine  # noqa: E402
import chain  # noqa: E402

LINKS = ["pipe", "unix:poll", "tcp:epoll", "flock", "child"]
AIM = 0.5  # seconds


def start(count, folder):
    """Forks the chains; returns the pids of their first processes when all of them wait."""
    read, write = os.pipe()
    firsts = []
    for each in range(count):
        own = pathlib.Path(folder, str(each))
        own.mkdir()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            os.dup2(write, 1)
            chain.die_with_parent()
            chain.run(str(own), LINKS)
            os._exit(0)
        firsts.append(pid)
    os.close(write)
    ready = 0
    with os.fdopen(read) as lines:
        for line in lines:
            ready += line == "ready\n"
            if ready == count:
                time.sleep(1)
                return firsts
    raise RuntimeError("a chain ended before it was ready")


def timed(command):
    begin = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return time.perf_counter() - begin, done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--chains", type=int, default=167)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    plumb = options.build.resolve() / "src/app/cli/plumb"
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        firsts = start(options.chains, folder)
        reached = True
        for form in ([], ["--json"]):
            command = [plumb, "waits", *form, *map(str, firsts)]
            rounds = [timed(command) for _ in range(options.rounds)]
            seconds = statistics.median(took for took, _ in rounds)
            holds = seconds <= AIM
            reached &= holds
            name = " ".join(["plumb waits", *form])
            print(f"  {'reached' if holds else 'MISSED '}  {name} over {options.chains} chains of six, "
                  f"{options.chains * 6:,} processes: {seconds * 1000:,.0f} ms (at most {AIM * 1000:.0f})")
        chains = [json.loads(line) for line in rounds[-1][1].splitlines()]
        right = sum(one["record"] == "chain" and one["end"] == "sleeps" and len(one["way"]) == 6
                    for one in chains)
        print(f"  {right} of {options.chains} chains led to their sleeping end")
        for pid in firsts:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    sys.exit(0 if reached and right == options.chains else 1)


if __name__ == "__main__":
    main()
