#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What plumb trace bears: a minute of 100,000 events a second, and a million holdings of 5,000
origins: endure.py BUILD [SECONDS]"""
import os
import subprocess
import sys
import tempfile
import time

from tracing import build, program, traced

EVENTS = 100_000
KEEP = 200  # one in so many stays open: 15,000 in a minute
PROCESSES, EACH, ORIGINS = 55, 18_500, 5_000
MEMORY_AIM = 150


def started(*command):
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def memory(process):
    """MiB: resident now, and at most so far."""
    found = {}
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        for line in status:
            name, _, value = line.partition(":")
            found[name] = value.split()
    return tuple(int(found[name][0]) / 1024 for name in ("VmRSS", "VmHWM"))


def settled(process, most=60):
    """Waits until the process has used a tenth of a processor or less for a second."""
    def used():
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    deadline = time.monotonic() + most
    while time.monotonic() < deadline:
        before = used()
        time.sleep(1)
        if used() - before <= 0.1:
            return


def rate(plumb, folder, seconds):
    path = build(folder, "steady_rate.c", "steady_rate", "-O2")
    load = started(path, seconds, EVENTS, KEEP)
    with traced(plumb, load.pid, "--min-age", "0s") as (_, records):
        load.stdin.write("\n")
        load.stdin.flush()
        events, kept = (int(word) for word in load.stdout.readline().split())
        open_now = len(os.listdir(f"/proc/{load.pid}/fd"))
        found = records()
    load.communicate()
    [trace] = found["trace"]
    held = sum(origin["held"] for origin in found["origin"])
    taken = sum(origin["held"] for origin in found["origin"]
                if any(frame.get("function") == "take" for frame in origin["stack"]))
    lost = {name: count for name, count in trace["losses"].items() if count}
    repaired = {name: count for name, count in trace["repairs"].items() if count}
    good = held == open_now and taken + lost.get("stacks", 0) >= kept
    print(f"{events:,} events in {seconds} s, {kept:,} kept open: the ledger has {held:,}, /proc {open_now:,}"
          f"{'' if good else ' (MISSED: not equal)'}; with their stack {taken:,}; "
          f"lost {lost or 'nothing'}; put right by surveys {repaired or 'nothing'}")
    return good


def million(plumb, folder):
    path = build(folder, "many_origins.c", "many_origins", "-O2")
    load = started(path, PROCESSES, EACH, ORIGINS)
    with traced(plumb, load.pid, "--min-age", "0s") as (process, records):
        load.stdin.write("\n")
        load.stdin.flush()
        load.stdout.readline()
        settled(process)
        time.sleep(5)  # a survey more
        now, most = memory(process)
        found = records()
    load.communicate()
    [trace] = found["trace"]
    opened = [o for o in found["origin"] if any(f.get("function") == "path" for f in o["stack"])]
    lost = {name: count for name, count in trace["losses"].items() if count}
    good = most <= MEMORY_AIM
    print(f"{sum(o['held'] for o in opened):,} holdings of {len(opened):,} origins in {PROCESSES} processes: "
          f"resident {now:.0f} MiB, at most {most:.0f} MiB (aim <= {MEMORY_AIM}{'' if good else ', MISSED'}); "
          f"lost {lost or 'nothing'}")
    return good


def main(folder_of_build, seconds=60):
    plumb = program(folder_of_build)
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder:
        reached = rate(plumb, folder, int(seconds))
        reached &= million(plumb, folder)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
