#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What servers and builds lose beside plumb trace: load.py BUILD [traced|close|kept|redis|gcc|calls]…

nginx with one worker on one processor, wrk on the other: traced, with a new connection for each request;
and not traced, while something else is; redis and gcc not traced, too. Figures are processor time of the
server, so that what else runs on the machine disturbs little; paired rounds beside a control, a minute each.
"""
import contextlib
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from tracing import HERE, build, program, traced

sys.path.insert(0, str(HERE.parents[1] / "tests/support"))
from waiting import free_port, wait_for_port  # noqa: E402  (after the path)

SECONDS = 50  # of each row
CONFIGURATION = """
worker_processes 1; worker_cpu_affinity 01; daemon off; pid {folder}/pid; error_log /dev/null crit;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "hello"; }} }} }}
"""


@contextlib.contextmanager
def answering(server, port):
    """While a started server answers; it is ended afterwards."""
    try:
        wait_for_port(port)
        yield
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def nginx(folder):
    """(process, port) of a server that answers."""
    port = free_port()
    configuration = pathlib.Path(folder) / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port), encoding="ascii")
    server = subprocess.Popen(["nginx", "-e", "/dev/null", "-c", configuration], stdin=subprocess.DEVNULL)
    with answering(server, port):
        yield server, port


@contextlib.contextmanager
def redis(folder):
    """(process, port) of a server that answers."""
    port = free_port()
    server = subprocess.Popen(["taskset", "-c", "0", "redis-server", "--port", str(port), "--bind", "127.0.0.1",
                               "--save", "", "--dir", folder], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    with answering(server, port):
        yield server, port


def processor_time(pid):
    """Seconds that a process's first thread has run: a processor's own time, whoever else wants it."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def request(worker, port, close):
    """nginx's seconds for one request."""
    header = ["-H", "Connection: close"] if close else []
    before = processor_time(worker)
    done = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c32", "-d1s", *header, f"http://127.0.0.1:{port}/"],
                          capture_output=True, text=True, check=True)
    return (processor_time(worker) - before) / int(re.search(r"(\d+) requests in", done.stdout).group(1))


def answer(server, port):
    """redis's seconds for one GET."""
    requests = 60_000
    before = processor_time(server.pid)
    subprocess.run(["taskset", "-c", "1", "redis-benchmark", "-p", str(port), "-c", "32", "-n", str(requests),
                    "-t", "get", "-q"], stdout=subprocess.DEVNULL, check=True)
    return (processor_time(server.pid) - before) / requests


def call(path):
    """Seconds for one of the cheapest system calls."""
    return float(subprocess.run([path], capture_output=True, text=True, check=True).stdout)


def compilation(folder):
    """Seconds of all of gcc's processes for one file."""
    def used():
        times = resource.getrusage(resource.RUSAGE_CHILDREN)
        return times.ru_utime + times.ru_stime
    before = used()
    for _ in range(5):
        subprocess.run(["gcc", "-O2", "-c", HERE / "open_close.c", "-o", f"{folder}/x.o"], check=True)
    return (used() - before) / 5


def compare(title, measure, trace, aim):
    """Rounds of measure() alone, beside a trace, and alone again, in turns; prints the median of the rounds' losses.
    The control is what the third loses against the first: noise. True where the loss, less what the medians
    themselves stray by, is within the aim."""
    def plain():
        return measure()

    def beside():
        with trace():
            return measure()

    ways = [plain, beside, plain]
    figures = [[], [], []]
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or len(figures[0]) < 5:
        turn = len(figures[0]) % len(ways)
        for at in (*range(turn, len(ways)), *range(turn)):
            figures[at].append(ways[at]())

    def lost(values):
        losses = [100 * (1 - alone / value) for alone, value in zip(figures[0], values)]
        low, middle, high = statistics.quantiles(losses, n=4)
        return middle, 1.57 * (high - low) / len(losses) ** 0.5  # the notch: a median's own uncertainty

    loss, strays = lost(figures[1])
    control, noise = lost(figures[2])
    good = loss - strays <= aim
    middle = [statistics.median(values) * 1e6 for values in figures]
    print(f"{title}: {middle[0]:,.3f} us alone, {middle[1]:,.3f} us beside: loses {loss:.1f} +- {strays:.1f} % "
          f"(aim <= {aim} %{'' if good else ', MISSED'}); control {control:.1f} +- {noise:.1f} %; "
          f"{len(figures[0])} rounds", flush=True)
    return good


def main(folder_of_build, *chosen):
    plumb = program(folder_of_build)
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder, nginx(folder) as (server, port), \
            redis(folder) as store, subprocess.Popen(["sleep", "600"]) as idle:
        def on_idle():
            return traced(plumb, idle.pid, warm=0.3)

        empty = build(folder, "empty_calls.c", "empty_calls", "-O2")
        [worker] = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True,
                                  check=True).stdout.split()

        def on_worker():
            return traced(plumb, worker, warm=0.3)

        rows = {
            "traced": ("nginx traced, a connection a request", lambda: request(worker, port, True), on_worker, 5),
            "close": ("nginx untraced, a connection a request", lambda: request(worker, port, True), on_idle, 1),
            "kept": ("nginx untraced, kept connections", lambda: request(worker, port, False), on_idle, 1),
            "redis": ("redis untraced, a GET", lambda: answer(*store), on_idle, 1),
            "gcc": ("gcc untraced", lambda: compilation(folder), on_idle, 1),
            "calls": ("a loop of getppid untraced", lambda: call(empty), on_idle, 1),
        }
        reached = [compare(*row) for name, row in rows.items() if not chosen or name in chosen]
        idle.kill()
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
