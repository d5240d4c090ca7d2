#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How large a recording is: size.py BUILD

Bytes that each living and each short-lived holding adds to the file of plumb record, from recordings with few
and with many of them, without table fact: that tells of the machine's processes, and differs from run to run
alike. Also how long plumb report takes to read the largest. At most 64 bytes a short-lived and
200 a living holding are the aim; ends with 1 where it is not reached. Needs root; about 60 s."""
import contextlib
import pathlib
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
ROOM = 20_000  # a limit that root may have anywhere


def many_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (ROOM, ROOM))


def wait_for_recorder(file):
    """Until it follows the process, and has written so."""
    while True:
        time.sleep(0.1)
        with contextlib.suppress(sqlite3.Error), sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            if database.execute("SELECT count(*) FROM trace").fetchone()[0]:
                return


def record(plumb, folder, living, passing, *options):
    """The recording of one run."""
    file = folder / f"{living}-{passing}{''.join(options)}.plumb"
    with subprocess.Popen([folder / "hold", str(living), str(passing)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, preexec_fn=many_descriptors) as process:
        with subprocess.Popen([plumb, "record", str(process.pid), "-o", file, "--min-age", "0s", "--max-size", "1GiB",
                               *options], stdout=subprocess.DEVNULL) as recorder:
            wait_for_recorder(file)
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()
            time.sleep(1)
            recorder.send_signal(signal.SIGINT)
            recorder.wait()
        process.kill()
    return file


def size_of(file):
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        facts = database.execute("SELECT sum(pgsize) FROM dbstat WHERE name = 'fact'").fetchone()[0]
    return file.stat().st_size - facts


def main():
    plumb = pathlib.Path(sys.argv[1]).resolve() / "src/app/cli/plumb"
    reached = True
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as name:
        folder = pathlib.Path(name)
        subprocess.run(["gcc", "-O2", HERE / "hold.c", "-o", folder / "hold"], check=True)

        def each(what, few, many, count, most):
            nonlocal reached
            added = (size_of(many) - size_of(few)) / count
            reached &= added <= most
            print(f"{what:45} {added:6.1f} bytes (at most {most})  {size_of(many):,} bytes for {count:,}")

        none = record(plumb, folder, 0, 0)
        print(f"{'a recording of next to nothing':45} {size_of(none):,} bytes")
        print(f"{'… and the facts of the machine':45} {none.stat().st_size - size_of(none):,} bytes")
        few, many = record(plumb, folder, 1_000, 0), record(plumb, folder, 17_000, 0)
        each("a living holding", few, many, 16_000, 200)
        each("a short-lived holding", none, record(plumb, folder, 0, 1_000_000), 1_000_000, 64)
        each("a short-lived holding whose close is kept", record(plumb, folder, 0, 1, "--closed"),
             record(plumb, folder, 0, 10_000, "--closed"), 9_999, 64)
        began = time.monotonic()
        subprocess.run([plumb, "report", many], stdout=subprocess.DEVNULL, check=False)
        print(f"{'plumb report of 17,000 living holdings':45} {time.monotonic() - began:6.2f} s")
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
