#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What following other kinds costs: kinds.py BUILD [tasks|heap|probes]

Threads and children: microseconds that a thread's or child's life (two events) takes more than in a trace
of descriptors, in turns, and of each the fastest. The heap: processor time of redis-server a request, under
redis-benchmark, as paired rounds beside a control. Probes: the same with the allocator of a running server
probed. Needs root, redis-server.
"""
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from tracing import build, program, traced

TURNS = 5
EVENT_AIM = 3.0
HEAP_AIM = 0.05
REQUESTS = 12000  # of each sort in a round
HEAP_SECONDS = 100


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
    """Seconds that all threads of a process have run: a processor's own time, whoever else wants it."""
    return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


@contextlib.contextmanager
def redis(folder, before=(), environment=None):
    """The number of a redis-server that answers, started by a command that stands before it, and its socket."""
    place = pathlib.Path(folder) / "redis.sock"
    command = ["taskset", "-c", "0", "redis-server", "--port", "0", "--unixsocket", place, "--save", "",
               "--appendonly", "no"]
    with subprocess.Popen([*before, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=folder,
                          env={**os.environ, **(environment or {})}) as process:
        try:
            deadline = time.monotonic() + 20
            while not place.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("redis-server did not begin")
                time.sleep(0.01)
            pid = process.pid
            if before:
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
                pid = int(children.split()[0])
            yield pid, place
        finally:
            process.terminate()
            process.wait()
            place.unlink(missing_ok=True)


def load(place, requests):
    subprocess.run(["taskset", "-c", "1", "redis-benchmark", "-s", place, "-q", "-n", str(requests), "-t",
                    "set,lpush,get", "-d", "64", "-r", "100000"], stdout=subprocess.DEVNULL, check=True)


def request(pid, place, requests=REQUESTS):
    """redis-server's microseconds of processor time for one request, once it is warm."""
    load(place, requests // 4)
    before = processor_time(pid)
    load(place, requests)
    return (processor_time(pid) - before) / (3 * requests) * 1e6


def heap(plumb, folder):
    """In each round each way once, in turns; a way's loss is the median of its rounds' ratios to the bare server.
    The control is a second bare server: what it loses is noise."""
    sampler = plumb.parents[2] / "detect/source/preload/libplumb-heap.so"
    ways = {"bare": {}, "bare again (control)": {},
            "the sampler without a trace": {"environment": {"LD_PRELOAD": str(sampler)}},
            "--heap -- CMD": {"before": [plumb, "trace", "--heap", "--"]}}
    figures = {way: [] for way in ways}
    end = time.monotonic() + HEAP_SECONDS
    while time.monotonic() < end:
        order = list(ways)
        turn = len(figures["bare"]) % len(order)
        for way in order[turn:] + order[:turn]:
            with redis(folder, **ways[way]) as server:
                figures[way].append(request(*server))
    good = True
    print(f"redis-server under redis-benchmark, processor time a request, {len(figures['bare'])} rounds")
    for way, values in figures.items():
        ratios = [value / bare - 1 for value, bare in zip(values, figures["bare"])]
        middle = statistics.median(ratios)
        low, _, high = statistics.quantiles(ratios, n=4)
        # McGill, Tukey and Larsen's notch: 95 % of a median's own uncertainty.
        strays = 1.57 * (high - low) / len(ratios) ** 0.5
        missed = way == "--heap -- CMD" and middle > HEAP_AIM
        good &= not missed
        print(f"  {way}: {statistics.median(values):.2f} us, {middle * 100:+.1f} % +- {strays * 100:.1f}"
              + (f" (aim <= {HEAP_AIM * 100:.0f} %{', MISSED' if missed else ''})" if way == "--heap -- CMD" else ""))
    return good


def probes(plumb, folder):
    """A running server, whose allocator gets probes: there is no aim."""
    with redis(folder) as server:
        bare = request(*server, requests=2000)
        with traced(plumb, "--heap", server[0]):
            probed = request(*server, requests=2000)
    print(f"redis-server, --heap PID: {bare:.2f} us a request without, {probed:.2f} us with: {probed / bare:.0f} times")
    return True


def main(folder_of_build, part=None):
    plumb = program(folder_of_build)
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder:
        os.chmod(folder, 0o777)
        parts = {"tasks": tasks, "heap": heap, "probes": probes}
        reached = [run(plumb, folder) for name, run in parts.items() if part in (None, name)]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
