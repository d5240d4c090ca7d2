#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What plumb check adds to a run of short commands, beside strace -f: short_commands.py BUILD

In turns; medians of the time that passes: without an option, and with those that follow memory, as root. The aim is
for `true`.
"""
import pathlib
import statistics
import subprocess
import sys
import time

TURNS = 15
AIM = 0.150
COMMANDS = [["true"], ["/usr/bin/python3", "-c", "pass"], ["git", "--version"],
            ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done"]]


def seconds(*command):
    began = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False)
    taken = time.monotonic() - began
    if done.returncode not in (0, 1):  # 1: something leaked, which takes as long
        raise AssertionError(f"{command} ended with {done.returncode}")
    return taken


def main(folder_of_build):
    plumb = pathlib.Path(folder_of_build).resolve() / "src/app/cli/plumb"
    ways = {"bare": [], "plumb check": [plumb, "check", "--"],
            "plumb check --kind mapping,heap": [plumb, "check", "--kind", "mapping,heap", "--"],
            "strace -f": ["strace", "-f", "-o", "/dev/null"]}
    reached = True
    for command in COMMANDS:
        times = {way: [] for way in ways}
        for _ in range(TURNS):
            for way, before in ways.items():
                times[way].append(seconds(*before, *command))
        middle = {way: statistics.median(taken) for way, taken in times.items()}
        base = middle.pop("bare")
        line = f"{' '.join(command)[:40]}: bare {base * 1e3:.1f} ms"
        for way, taken in middle.items():
            line += f", {way} adds {(taken - base) * 1e3:.1f} ms"
            if command == ["true"] and way.startswith("plumb"):
                good = taken - base <= AIM
                reached &= good
                line += f" (aim <= {AIM * 1e3:.0f} ms{'' if good else ', MISSED'})"
        print(line)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
