# SPDX-License-Identifier: Apache-2.0
"""plumb http over real programs, for tests: from when it sees everything to its records."""
import contextlib
import os
import signal
import subprocess
import threading
import time

from scripted import by_record, program

PLUMB = program("plumb")


def wait_until_it_captures(process):
    """Its signal descriptor is made last, after the programs and the probes are attached."""
    folder = f"/proc/{process.pid}/fd"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if any("signalfd" in os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)):
                return
        time.sleep(0.02)
    raise AssertionError("plumb http does not begin")


class Capture:
    """plumb http over these processes, from `with` to its end; then `records` by their names."""

    def __init__(self, *selectors, options=()):
        self.command = [PLUMB, "http", "--json", *options, *map(str, selectors)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self.reader.start()
        wait_until_it_captures(self.process)
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.process.send_signal(signal.SIGINT)
        self.reader.join()
        self.status = self.process.wait(120)
        self.said = self.process.stderr.read()
        self.process.stderr.close()
        self.process.stdout.close()
        self.records = by_record("".join(self.lines))

    def of(self, pids, role):
        return [one for one in self.records["exchange"] if one["pid"] in pids and one["role"] == role]


def children(pid):
    return [pid, *map(int, subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True,
                                          check=False).stdout.split())]


def targets(exchanges):
    """Their targets without scheme and authority, sorted."""
    return sorted("/" + one["request"]["target"].split("//", 1)[-1].split("/", 1)[1] for one in exchanges)


def port_of(address):
    return int(address.rsplit(":", 1)[1])
