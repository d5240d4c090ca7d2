#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What following other kinds costs: kinds.py BUILD [heap|tasks]

Threads and children: microseconds that a thread's or child's life (two events) takes more than in a trace
of descriptors. The heap: processor time of redis-server a request, under redis-benchmark, with the sampler
and without; and with probes on the allocator of a running server, for which there is no aim. In turns, and
of each the fastest. Needs root, redis-server.
"""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from tracing import build, program, traced

TURNS = 5
EVENT_AIM = 3.0
HEAP_AIM = 0.05
REQUESTS = 100000
TICK = os.sysconf("SC_CLK_TCK")


def task_time(plumb, path, what, kinds):
    with subprocess.Popen(["taskset", "-c", "0", path, what, "1"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as loop:
        with traced(plumb, "--no-children", "--kind", kinds, loop.pid) as (_, records):
            text, _ = loop.communicate("\n")
            records(ended=True)
    return float(text)


def tasks(plumb, folder):
    path = build(folder, "many_tasks.c", "many_tasks", "-O2", "-pthread")
    reached = True
    for what, kind in (("threads", "thread"), ("children", "child")):
        figures = {"file": [], f"file,{kind}": []}
        for _ in range(TURNS):
            for kinds in figures:
                figures[kinds].append(task_time(plumb, path, what, kinds))
        bare, more = (min(figure) for figure in figures.values())
        added = (more - bare) / 2
        good = added <= EVENT_AIM
        print(f"{what}: {bare:.1f} us a life in a trace of files, {more:.1f} us with them: {added:.2f} us an event "
              f"(aim <= {EVENT_AIM}{'' if good else ', MISSED'})")
        reached &= good
    return reached


def processor_time(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(words[11]) + int(words[12])) / TICK


def server_pid(parent):
    """redis-server itself, or as a child of plumb."""
    for _ in range(100):
        with contextlib.suppress(OSError, IndexError):
            children = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
            return int(children[0]) if children else parent
        time.sleep(0.05)
    return parent


def redis(folder, before, attach=None):
    """(processor time a request in us, requests a second)"""
    socket = pathlib.Path(folder) / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"]
    with subprocess.Popen([*before, *command], stdout=subprocess.DEVNULL, cwd=folder) as process:
        try:
            for _ in range(200):
                if socket.exists():
                    break
                time.sleep(0.05)
            pid = server_pid(process.pid) if before else process.pid
            beside = traced(attach, "--heap", pid) if attach else contextlib.nullcontext()
            with beside:
                began, clock = processor_time(pid), time.monotonic()
                subprocess.run(["redis-benchmark", "-s", socket, "-q", "-n", str(REQUESTS), "-t", "set,lpush,get",
                                "-d", "64", "-r", "100000"], stdout=subprocess.DEVNULL, check=True)
                passed = time.monotonic() - clock
                used = processor_time(pid) - began
        finally:
            process.terminate()
            process.wait()
            socket.unlink(missing_ok=True)
    return used / (3 * REQUESTS) * 1e6, 3 * REQUESTS / passed


def heap(plumb, folder):
    ways = {"bare": ([], None), "sampler": ([plumb, "trace", "--heap", "--"], None), "probes": ([], plumb)}
    figures = {way: [] for way in ways}
    for turn in range(TURNS):
        for way, (before, attach) in ways.items():
            if way != "probes" or turn == 0:  # one round of what takes so long
                figures[way].append(redis(folder, before, attach))
    best = {way: min(figure)[0] for way, figure in figures.items()}
    rate = {way: max(speed for _, speed in figure) for way, figure in figures.items()}
    lost = best["sampler"] / best["bare"] - 1
    good = lost <= HEAP_AIM
    for way in ways:
        print(f"redis-server, {way}: {best[way]:.2f} us of processor a request, {rate[way]:.0f} requests a second")
    print(f"the sampler costs {lost * 100:.1f} % (aim <= {HEAP_AIM * 100:.0f} %{'' if good else ', MISSED'}); "
          f"probes on a running server {best['probes'] / best['bare']:.1f} times as much as without")
    return good


def main(folder_of_build, part=None):
    plumb = program(folder_of_build)
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder:
        os.chmod(folder, 0o777)
        reached = [run(plumb, folder) for name, run in (("tasks", tasks), ("heap", heap)) if part in (None, name)]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
