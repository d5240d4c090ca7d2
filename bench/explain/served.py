#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What servers under full load lose while plumb explain watches them, and after it has gone.

    bench/explain/served.py BUILD [--rounds N] [--seconds N] [SERVER…]

nginx, node and a Go server under wrk: before, while `plumb explain` traces them, and after. Requests a second;
ratios round by round, of which the median counts. Aims: at most a tenth less while explained than before and
after; after as before (within a tenth, for runs of one and the same differ by so much here). Exit status 1: an
aim was missed.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench/support"), str(ROOT / "tests/support")]
from healthy_servers import Healthy  # noqa: E402  (after the path)
from side_by_side import machine  # noqa: E402

AIM = 0.90


class Alone(Healthy):
    """The server without the load of its own."""

    def wrk(self, port, connections=40):
        self.port = port


def load(port, seconds):
    said = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", f"http://127.0.0.1:{port}/"], capture_output=True,
                          text=True, check=True).stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))


def explained(plumb, pid, port, seconds):
    """(requests a second while explained, plumb's seconds on a processor for each second)"""
    with subprocess.Popen([plumb, "explain", "--for", f"{seconds + 4}s", str(pid)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        time.sleep(2)  # it has found its places
        requests = load(port, seconds)
        used = os.wait4(process.pid, 0)[2]
        process.returncode = 0
    return requests, (used.ru_utime + used.ru_stime) / (seconds + 4)


def compare(name, plumb, rounds, seconds):
    before, during, after, cpu = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="plumb-served-", ignore_cleanup_errors=True) as folder:
        server = Alone(folder, 0, False)
        try:
            pid = getattr(server, name)()
            load(server.port, 1)
            for _ in range(rounds):
                before.append(load(server.port, seconds))
                requests, share = explained(plumb, pid, server.port, seconds)
                during.append(requests)
                cpu.append(share)
                after.append(load(server.port, seconds))
        finally:
            server.end()
    # Round by round: what else runs on the machine changes within a minute.
    base = statistics.median(before)
    kept = statistics.median(2 * d / (b + a) for b, d, a in zip(before, during, after))
    back = statistics.median(a / b for b, a in zip(before, after))
    holds = kept >= AIM and back >= AIM
    print(f"{name:<8}{base:>10,.0f} requests/s before, {kept:5.2f} of it while explained, {back:5.2f} after; "
          f"plumb takes {statistics.median(cpu):.1%} of a processor (aim ≥ {AIM}{'' if holds else ', MISSED'})",
          flush=True)
    return holds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("servers", nargs="*", default=("nginx", "node", "go"))
    options = parser.parse_intermixed_args()
    print(machine())
    plumb = options.build.resolve() / "src/app/cli/plumb"
    reached = [compare(name, plumb, options.rounds, options.seconds) for name in options.servers]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
