#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What plumb trace adds to an open and a close, beside strace and strace -k: open_close.py BUILD

One loop, alternating; each figure is that of its faster rounds. For plumb processor time of the traced
thread; for strace the time that passes, because its tracer works while the thread waits.
"""
import subprocess
import sys
import tempfile

from tracing import FLAGS, build, program, traced

TURNS = 3
AIMS = {"without frame pointers": 2.5, "with frame pointers": 1.3}
STRACE = {"strace": ([], 2000, 40), "strace -k": (["-k"], 300, 300)}


def run(path, seconds, pairs, before=()):
    """(processor time, time) a pair."""
    done = subprocess.run([*before, path, str(seconds), str(pairs)], input="\n", capture_output=True,
                          text=True, check=True)
    return tuple(float(word) for word in done.stdout.split())


def run_traced(plumb, path):
    loop = subprocess.Popen([path, "3", "20000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with traced(plumb, loop.pid) as (_, records):
        text, _ = loop.communicate("\n")
        lost = records(ended=True)["trace"][0]["losses"]["stacks"]
    return (*(float(word) for word in text.split()), lost)


def main(folder_of_build):
    plumb = program(folder_of_build)
    reached = True
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder:
        for name, flags in FLAGS.items():
            loop = build(folder, "open_close.c", name.replace(" ", "-"), *flags)
            bare, with_plumb = [], []
            strace = {peer: [] for peer in STRACE}
            for _ in range(TURNS):
                bare.append(run(loop, 1, 20000))
                with_plumb.append(run_traced(plumb, loop))
                for peer, (options, pairs, _aim) in STRACE.items():
                    strace[peer].append(run(loop, 0, pairs, ["strace", "-o", "/dev/null", *options]))
            base = min(x[0] for x in bare)
            added = min(x[0] for x in with_plumb) - base
            good = added <= AIMS[name]
            print(f"{name}: bare {base:.2f} us, plumb trace adds {added:.2f} us "
                  f"(aim <= {AIMS[name]}{'' if good else ', MISSED'}); "
                  f"stacks lost in the warm-up: {max(x[2] for x in with_plumb)}")
            passed = min(x[1] for x in bare)
            for peer, figures in strace.items():
                more = min(x[1] for x in figures) - passed
                aim = STRACE[peer][2]
                enough = more / added >= aim
                print(f"  {peer} adds {more:.0f} us: {more / added:.0f} times as much "
                      f"(aim >= {aim}{'' if enough else ', MISSED'})")
                good &= enough
            reached &= good
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
