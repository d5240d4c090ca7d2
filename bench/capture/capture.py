#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What servers lose under full load while plumb http captures them.

    bench/capture/capture.py BUILD [--rounds N] [--seconds N]

nginx, node and a Go server under wrk, in turns without and with `plumb http`; then nginx over TLS, offered some
5,000 requests a second. Requests a second, and what the server spends on each, medians of the rounds. Under
`chrt -r 1` other work on the machine disturbs it least. Exit status 1: an aim was missed.
"""
import argparse
import contextlib
import json
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench/support"), str(ROOT / "tests/support")]
from side_by_side import machine  # noqa: E402
import http_peers  # noqa: E402

AIM = 0.90


def load(url, seconds, pace=()):
    said = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", *pace, url], capture_output=True, text=True,
                          check=True).stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))


@contextlib.contextmanager
def capturing(plumb, pids, told):
    with subprocess.Popen([plumb, "http", "--json", *map(str, pids)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as process, \
            tempfile.TemporaryFile("w+") as said:
        pump = subprocess.Popen(["tail", "-n", "1"], stdin=process.stdout, stdout=said)
        time.sleep(1)
        yield
        process.send_signal(signal.SIGINT)
        process.wait()
        pump.wait()
        said.seek(0)
        told.append(json.loads(said.read()))


def spent(pids):
    """Nanoseconds on a processor of these processes so far."""
    return sum(int(one.read_text().split()[0]) for pid in pids
               for one in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


def compare(name, plumb, pids, url, rounds, seconds, pace=()):
    alone, watched, told, costs = [], [], [], ([], [])

    def measure(into, cost):
        before = spent(pids)
        into.append(load(url, seconds, pace))
        cost.append((spent(pids) - before) / 1000 / into[-1] / seconds)

    for _ in range(rounds):
        measure(alone, costs[0])
        with capturing(plumb, pids, told):
            measure(watched, costs[1])
    ratio = statistics.median(watched) / statistics.median(alone)
    lost = sum(one["losses"]["events"] for one in told)
    passed = sum(one["losses"]["passed_over"] for one in told)
    holds = ratio >= AIM
    print(f"  {'reached' if holds else 'MISSED '}  {name:<10}{statistics.median(alone):>10,.0f} requests/s alone, "
          f"{statistics.median(watched):>10,.0f} captured: {ratio:.3f} (at least {AIM:.2f}); "
          f"{statistics.median(costs[0]):.1f} and {statistics.median(costs[1]):.1f} us of the server's CPU a request; "
          f"{passed:,} passed over, {lost:,} pieces lost", flush=True)
    return holds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    plumb = options.build.resolve() / "src/app/cli/plumb"
    print(machine())
    reached = True
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)

        def run(label, process, port, scheme="http", pace=()):
            pids = [process.pid, *map(int, subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True,
                                                          text=True, check=False).stdout.split())]
            return compare(label, plumb, pids, f"{scheme}://127.0.0.1:{port}/", options.rounds,
                           options.seconds, pace)

        (folder / "a").mkdir()
        (folder / "b").mkdir()
        nginx, port, _ = stack.enter_context(http_peers.nginx(folder / "a", logs=False))
        reached &= run("nginx", nginx, port)
        node, port, _ = stack.enter_context(http_peers.node(folder, logs=False))
        reached &= run("node", node, port)
        go, port, _ = stack.enter_context(http_peers.go(folder, logs=False))
        reached &= run("Go", go, port)
        secure, port, _ = stack.enter_context(http_peers.nginx(folder / "b", tls=True, logs=False))
        pace = folder / "pace.lua"
        pace.write_text("function delay() return 6 end\n")  # ms; 32 connections: 5,000 requests a second
        reached &= run("nginx, TLS", secure, port, "https", ("-s", str(pace)))
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
