# SPDX-License-Identifier: Apache-2.0
"""What every bench script needs: servers pinned to a core, interleaved rounds, medians, a table.

Two runs on this kind of machine differ by 15 to 40 %, so a figure means something only beside its
peers' from the same run: A, B, C, A, B, C, ... and the median of each.
"""
import contextlib
import os
import platform
import resource
import statistics
import subprocess
import sys

SERVER_CORE, LOAD_CORE = 0, 1


@contextlib.contextmanager
def server(command, descriptors=None, core=SERVER_CORE, **options):
    """Starts a server that prints its port in its first line; yields (process, port); ends it."""

    def prepare():
        os.sched_setaffinity(0, {core})
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True, preexec_fn=prepare, **options)
    try:
        line = process.stdout.readline().strip()
        if not line.isdigit():
            raise RuntimeError(f"{command[0]} printed {line!r} instead of its port")
        yield process, int(line)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def pinned(command, core=LOAD_CORE):
    """The words of a load generator's output, run on the other core."""
    done = subprocess.run(["taskset", "-c", str(core), *command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout.split()


def interleave(names, measure, rounds=5):
    """measure(name) -> number, in turns; returns {name: [numbers]}."""
    figures = {name: [] for name in names}
    for turn in range(rounds):
        for name in names:
            if sys.stderr.isatty():
                print(f"\r\033[Kround {turn + 1}/{rounds}: {name}", end="", file=sys.stderr)
            figures[name].append(measure(name))
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return figures


def print_table(title, unit, figures, subject, target=None):
    """Medians with their range, and the subject's ratio to each peer: the median of the rounds' ratios,
    as what slows the machine down slows the whole of a round. True when all reach target."""
    medians = {name: statistics.median(values) for name, values in figures.items()}
    print(f"\n{title} ({unit}, median of {len(figures[subject])}, interleaved)")
    reached = True
    for name, values in figures.items():
        row = f"  {name:<16}{medians[name]:>12,.0f}   {min(values):>10,.0f} … {max(values):<10,.0f}"
        if name != subject:
            ratio = statistics.median(own / peer for own, peer in zip(figures[subject], values))
            row += f"  {subject} is {ratio:.2f} x"
            if target and name in target:
                row += f"  (aim ≥ {target[name]:.2f}{'' if ratio >= target[name] else ', MISSED'})"
                reached &= ratio >= target[name]
        print(row)
    return reached


def machine():
    """One line on what the figures were measured on."""
    with open("/proc/cpuinfo", encoding="ascii") as info:
        model = next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}"
