#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What plumb check adds to a run of short commands, beside strace -f: short_commands.py BUILD

In turns; medians of the time that passes. The aim is for `true`.
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
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def main(folder_of_build):
    plumb = pathlib.Path(folder_of_build).resolve() / "src/app/cli/plumb"
    reached = True
    for command in COMMANDS:
        bare, checked, traced = [], [], []
        for _ in range(TURNS):
            bare.append(seconds(*command))
            checked.append(seconds(plumb, "check", "--", *command))
            traced.append(seconds("strace", "-f", "-o", "/dev/null", *command))
        base, ours, theirs = (statistics.median(times) for times in (bare, checked, traced))
        line = f"{' '.join(command)[:40]}: bare {base * 1e3:.1f} ms, plumb check adds {(ours - base) * 1e3:.1f} ms, " \
               f"strace -f {(theirs - base) * 1e3:.1f} ms"
        if command == ["true"]:
            good = ours - base <= AIM
            reached &= good
            line += f" (aim <= {AIM * 1e3:.0f} ms{'' if good else ', MISSED'})"
        print(line)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
