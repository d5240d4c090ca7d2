#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb ls beside lsof, lsfd, ss and a bare BPF iterator, over a factory's descriptors.

    bench/survey/survey.py BUILD [--descriptors N] [--rounds N] [--linear]

BUILD is a build of preset bench. Needs root. The tools run in turns and write to a file on tmpfs
whose pages are there already, as new ones would cost as much as the text that they hold. plumb and
the bare iterator run five times in each turn, as a stumble of the machine is as long as they are. A
figure is the median of all its runs, and only the ratios within one run mean something. --linear
measures plumb alone at 10,000, 100,000 and 1,000,000 descriptors.
Exit status 1: an aim was missed.
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from side_by_side import machine  # noqa: E402

SUBJECT = "plumb ls --json"
COUNT = "plumb ls --count"
BARE = "bare iterator"
# How many times as fast as each `plumb ls --json` has to be.
AIMS = {"lsof -n -P": 50, "lsfd": 15, "ss -xtpna": 15}
COUNT_AIM = 2.0  # times the bare pass, at most
MILLION = {COUNT: 2.0, SUBJECT: 6.0}  # seconds, at most
BYTES_A_DESCRIPTOR = 1024
REPEATS = 5  # of what is short, in each round
SINK_A_DESCRIPTOR = 600  # bytes; plumb's JSON is 400


@contextlib.contextmanager
def load(build, descriptors):
    """A factory that holds so many descriptors."""
    factory = subprocess.Popen([build / "tests/support/factory/plumb_factory", "--load",
                                str(descriptors)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    try:
        for line in factory.stdout:
            if '"ready"' in line:
                break
        else:
            raise RuntimeError("the factory could not open them all")
        yield
    finally:
        factory.stdin.close()
        factory.wait()


def run(command, sink):
    """Seconds by the clock, seconds of processor, peak resident bytes."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=sink, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure(commands, bare, rounds, descriptors):
    """Medians of run() for each command, and of the bare pass."""
    figures = {name: [] for name in [*commands, BARE]}
    with tempfile.TemporaryFile(dir="/dev/shm") as sink:
        sink.write(bytes(descriptors * SINK_A_DESCRIPTOR))
        for _ in range(rounds):
            for name, command in commands.items():
                for _ in range(REPEATS if name in (SUBJECT, COUNT) else 1):
                    sink.seek(0)
                    figures[name].append(run(command, sink))
            for _ in range(REPEATS):
                seconds = float(subprocess.run([bare], capture_output=True, text=True,
                                               check=True).stdout.split()[0])
                figures[BARE].append((seconds, seconds, 0))
    return {name: tuple(statistics.median(column) for column in zip(*rows))
            for name, rows in figures.items()}


def table(figures):
    subject = figures[SUBJECT][0]
    for name, (clock, processor, memory) in figures.items():
        ratio = "" if name in (SUBJECT, COUNT, BARE) else f"  {SUBJECT} is {clock / subject:.1f} x"
        print(f"  {name:<18}{clock * 1000:>10,.1f} ms  processor {processor * 1000:>10,.1f} ms"
              f"  resident {memory / 2**20:>8,.1f} MiB{ratio}")


def aim(what, value, holds):
    print(f"  {'reached' if holds else 'MISSED '}  {what}: {value}")
    return holds


def side_by_side(plumb, bare, rounds, descriptors):
    tools = {"lsof -n -P": ["lsof", "-n", "-P"], "lsfd": ["lsfd"], "ss -xtpna": ["ss", "-xtpna"]}
    tools = {name: words for name, words in tools.items() if shutil.which(words[0])}
    commands = {SUBJECT: [plumb, "ls", "--json"], COUNT: [plumb, "ls", "--count"], **tools}
    figures = measure(commands, bare, rounds, descriptors)
    print(f"\n{descriptors:,} descriptors, {rounds} rounds, in turns")
    table(figures)
    reached = True
    for name in tools:
        ratio = figures[name][0] / figures[SUBJECT][0]
        reached &= aim(f"at least {AIMS[name]} times as fast as {name}", f"{ratio:.1f}",
                       ratio >= AIMS[name])
    ratio = figures[COUNT][0] / figures[BARE][0]
    return aim(f"--count within {COUNT_AIM:.0f} times of a bare pass", f"{ratio:.2f}",
               ratio <= COUNT_AIM) and reached


def linear(build, plumb, bare, rounds):
    commands = {SUBJECT: [plumb, "ls", "--json"], COUNT: [plumb, "ls", "--count"]}
    reached = True
    for descriptors in (10_000, 100_000, 1_000_000):
        with load(build, descriptors):
            figures = measure(commands, bare, rounds, descriptors)
        print(f"\n{descriptors:,} descriptors, {rounds} rounds, in turns")
        table(figures)
        clock, _, memory = figures[SUBJECT]
        print(f"  {SUBJECT}: {clock / descriptors * 1e6:.2f} us and "
              f"{memory / descriptors:,.0f} bytes a descriptor")
    for name, seconds in MILLION.items():
        reached &= aim(f"{name} of 1,000,000 within {seconds:.0f} s", f"{figures[name][0]:.2f} s",
                       figures[name][0] <= seconds)
    share = figures[SUBJECT][2] / 1_000_000
    return aim(f"at most {BYTES_A_DESCRIPTOR} bytes resident a descriptor", f"{share:,.0f}",
               share <= BYTES_A_DESCRIPTOR) and reached


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--descriptors", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--linear", action="store_true")
    options = parser.parse_args()
    plumb = options.build.resolve() / "src/app/cli/plumb"
    bare = options.build / "bench/survey/survey_bare"
    print(machine())
    if options.linear:
        return 0 if linear(options.build, plumb, bare, options.rounds) else 1
    with load(options.build, options.descriptors):
        return 0 if side_by_side(plumb, bare, options.rounds, options.descriptors) else 1


if __name__ == "__main__":
    sys.exit(main())
