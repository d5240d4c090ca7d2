#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Parsing request heads: plumb beside Boost.Beast.

usage: bench/http/parse.py BUILD [SECONDS]      BUILD: a release tree configured with PLUMB_BENCH=ON
Pinned to core 0, in turns, five rounds. Exit status 1 when an aim is missed: 1.0 GB/s of browser heads,
and twice Boost.Beast. Beast without its container of fields is a mark to measure against, not a user's
choice: nothing is left of the message.
"""
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import side_by_side as bench  # noqa: E402

PARSERS = {"plumb": "plumb", "Beast, no fields": "bare_beast", "Beast": "beast"}
AIM_MB = 1000


def main():
    program = pathlib.Path(sys.argv[1]) / "bench/http/http_parse"
    seconds = sys.argv[2] if len(sys.argv) > 2 else "1"

    def measure(parser, head):
        words = bench.pinned([program, f"--benchmark_filter=^parse_with_{PARSERS[parser]}/{head}$",
                              "--benchmark_format=json", f"--benchmark_min_time={seconds}"], bench.SERVER_CORE)
        return json.loads(" ".join(words))["benchmarks"][0]["bytes_per_second"] / 1e6

    print(bench.machine())
    reached = True
    for head, title in (("browser", "head of a browser, 0.7 KB"), ("tool", "head of curl, 0.1 KB")):
        figures = bench.interleave(PARSERS, lambda name, head=head: measure(name, head))
        aims = {"Beast": 2.0} if head == "browser" else {}
        reached &= bench.print_table(title, "MB/s", figures, "plumb", aims)
        if head == "browser":
            reached &= statistics.median(figures["plumb"]) >= AIM_MB
            print(f"  aim: {AIM_MB} MB/s")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
