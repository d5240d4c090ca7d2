#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the always-on parts of the runtime cost when nobody looks: holdings, timers, metrics.

usage: bench/cost/cost.py BUILD [SECONDS]      BUILD: a release tree configured with PLUMB_BENCH=ON
Pinned to core 0, in turns, five rounds, medians of CPU time. Exit status 1 when an aim is missed.
"""
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import side_by_side as bench  # noqa: E402

# name of the benchmark: (what it is, most nanoseconds or None)
COSTS = {
    "holding": ("holding: acquire and release", 40),
    "timer/0/0": ("timer: arm and cancel, alone, without ledger", None),
    "timer/1000000/0": ("timer: the same among 1,000,000", None),
    "timer/1000000/1": ("timer: the same, in the ledger", None),
    "deadline_guard": ("deadline in a task: begin and end", None),
    "expiry_of_a_million": ("timer: arm and expire, of 1,000,000", None),
    "counter_add": ("counter: add", 20),
    "gauge_set": ("gauge: set", 20),
    "histogram_observe": ("histogram: observe, 13 buckets", 20),
}


def main():
    program = pathlib.Path(sys.argv[1]) / "bench/cost/runtime_cost"
    seconds = sys.argv[2] if len(sys.argv) > 2 else "0.3"

    def measure(name):
        words = bench.pinned([program, f"--benchmark_filter=^{name}$", "--benchmark_format=json",
                              f"--benchmark_min_time={seconds}"], bench.SERVER_CORE)
        run = json.loads(" ".join(words))["benchmarks"][0]
        return run.get("ns_each", run["cpu_time"])

    print(bench.machine())
    print("\nnanoseconds, median of 5, interleaved")
    figures = bench.interleave(COSTS, measure)
    reached = True
    for name, (title, most) in COSTS.items():
        median = statistics.median(figures[name])
        aim = "" if most is None else f"  (aim ≤ {most}{'' if median <= most else ', MISSED'})"
        print(f"  {title:<46}{median:>8.1f}   {min(figures[name]):>7.1f} … {max(figures[name]):<7.1f}{aim}")
        reached &= most is None or median <= most
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
