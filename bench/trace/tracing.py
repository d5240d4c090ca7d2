# SPDX-License-Identifier: Apache-2.0
"""What the trace's benches share: programs built into a folder, and a trace that has begun."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = {"without frame pointers": ["-O2", "-fomit-frame-pointer"],
         "with frame pointers": ["-O2", "-fno-omit-frame-pointer"]}


def program(folder_of_build):
    """plumb of a build folder."""
    return pathlib.Path(folder_of_build).resolve() / "src/app/cli/plumb"


def build(folder, source, name, *flags):
    """The path of bench/trace/SOURCE, compiled."""
    path = pathlib.Path(folder) / name
    subprocess.run(["gcc", *flags, HERE / source, "-o", path], check=True)
    return path


def follows(process):
    """Whether that plumb has attached its programs and made its first survey."""
    links = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{process.pid}/fd"):
            with contextlib.suppress(OSError):
                links += "bpf" in os.readlink(entry.path) and "link" in os.readlink(entry.path)
    return links >= 4


@contextlib.contextmanager
def traced(plumb, *arguments, warm=0.5):
    """A running `plumb trace ARGUMENTS` whose programs are attached. Yields (process, records):
    records() interrupts it, or waits for it where its target has ended, and gives its records by name."""
    process = subprocess.Popen([plumb, "trace", "--json", *map(str, arguments)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while not follows(process):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"plumb trace did not begin: {process.stderr.read().decode()}")
        time.sleep(0.02)
    time.sleep(warm)

    def records(ended=False):
        if not ended:
            process.send_signal(signal.SIGINT)
        text, fault = process.communicate(timeout=60)
        if process.returncode not in (0, 1):
            raise RuntimeError(f"plumb trace ended with {process.returncode}: {fault.decode()}")
        found = {}
        for line in text.splitlines():
            row = json.loads(line)
            found.setdefault(row["record"], []).append(row)
        return found

    try:
        yield process, records
    finally:
        if process.poll() is None:
            records()
