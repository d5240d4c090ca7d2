#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What plumb goroutines takes and costs: goroutines.py BUILD

Snapshots of 1,000 to 100,000 goroutines, whole and stripped; requests a second of a Go server under wrk alone,
with a snapshot every second, and with --http, for a server that answers by itself and for one that asks another
server for each answer. Alternating, medians of three; about 100 s."""
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
WAITING = HERE.parents[1] / "tests/e2e/goroutines/specimens/waiting.go"
SECONDS = 4


def build(folder, name, source, *flags):
    subprocess.run(["go", "build", *flags, "-o", folder / name, source], check=True,
                   env={**os.environ, "GO111MODULE": "off"})
    return folder / name


@contextlib.contextmanager
def running(*command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.address = process.stdout.readline().strip()
            yield process
        finally:
            process.kill()


def snapshots(plumb, folder):
    for name, flags in (("whole", []), ("stripped", ["-ldflags=-s -w"])):
        program = build(folder, f"waiting-{name}", WAITING, *flags)
        for count in (1_000, 10_000, 100_000):
            with running(program, "many", str(count)) as process:
                whole, reading = [], []
                for _ in range(5):
                    began = time.perf_counter()
                    done = subprocess.run([plumb, "goroutines", str(process.pid), "--pprof", "/dev/null"], check=True)
                    whole.append(time.perf_counter() - began)
                    done = subprocess.run([plumb, "goroutines", str(process.pid), "--json"], check=True,
                                          capture_output=True, text=True)
                    reading.append(json.loads(done.stdout.splitlines()[-1])["took"])
                print(f"{count:7,} goroutines, {name:8}: command {statistics.median(whole):.3f} s, "
                      f"of which reading {statistics.median(reading):.3f} s")


def wrk(address):
    done = subprocess.run(["wrk", "-t1", "-c32", f"-d{SECONDS}s", address], check=True, capture_output=True, text=True)
    return float(re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout).group(1))


@contextlib.contextmanager
def looked_at(plumb, pid, how):
    """The process while plumb looks at it: not at all, by a snapshot a second, by probes."""
    end = threading.Event()

    def look():
        while not end.is_set():
            subprocess.run([plumb, "goroutines", str(pid)], stdout=subprocess.DEVNULL, check=False)
            end.wait(1)

    thread = threading.Thread(target=look) if how == "snapshots" else None
    probes = None
    if how == "--http":
        probes = subprocess.Popen([plumb, "goroutines", str(pid), "--http", "--for", "60s"],
                                  stdout=subprocess.DEVNULL)
        time.sleep(1)
    if thread:
        thread.start()
    try:
        yield
    finally:
        end.set()
        if thread:
            thread.join()
        if probes:
            probes.terminate()
            probes.wait()


def throughput(plumb, folder):
    program = build(folder, "proxy", HERE / "proxy.go")
    with running(program, "direct") as direct, running(program, "proxy", direct.address) as proxy:
        for name, process in (("answers itself", direct), ("asks another", proxy)):
            rates = {"alone": [], "snapshots": [], "--http": []}
            wrk(process.address)
            for _ in range(3):
                for how, into in rates.items():
                    with looked_at(plumb, process.pid, how):
                        into.append(wrk(process.address))
            alone = statistics.median(rates["alone"])
            for how, into in rates.items():
                rate = statistics.median(into)
                print(f"server that {name:14}: {how:9} {rate:9,.0f} requests/s  {100 * (rate / alone - 1):+5.1f} %")


def main():
    plumb = pathlib.Path(sys.argv[1]).resolve() / "src/app/cli/plumb"
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder:
        snapshots(plumb, pathlib.Path(folder))
        throughput(plumb, pathlib.Path(folder))


if __name__ == "__main__":
    main()
