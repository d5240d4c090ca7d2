#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ten healthy servers under load, two minutes each: plumb explain must find nothing worse than a note.

    bench/healthy/healthy.py BUILD [--for SECONDS] [SERVER…]

Exit status 1: of one of them something was said.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench/support"), str(ROOT / "tests/support")]
from healthy_servers import SERVERS, running  # noqa: E402  (after the path)
from side_by_side import machine  # noqa: E402


def explain(plumb, pid, seconds):
    """(findings, the last record, plumb's own seconds on a processor)"""
    with tempfile.TemporaryFile("w+") as output:
        with subprocess.Popen([plumb, "explain", "--json", "--for", f"{seconds}s", str(pid)], stdout=output) as process:
            used = os.wait4(process.pid, 0)[2]
            process.returncode = 0
        output.seek(0)
        records = [json.loads(line) for line in output]
    return [one for one in records if one["record"] == "finding"], records[-1], used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("servers", nargs="*", default=SERVERS)
    parser.add_argument("--for", dest="seconds", type=int, default=120)
    options = parser.parse_intermixed_args()
    print(machine())
    silent = True
    for name in options.servers:
        with running(name, options.seconds + 15) as pid:
            findings, _, cpu = explain(options.build.resolve() / "src/app/cli/plumb", pid, options.seconds)
        alarms = [one for one in findings if one["severity"] != "info"]
        notes = [one["id"] for one in findings if one["severity"] == "info"]
        silent &= not alarms
        print(f"{name:<10}{options.seconds} s, plumb {cpu:5.1f} s of a processor, "
              f"{'ALARM' if alarms else 'silent'}{', notes: ' + ' '.join(notes) if notes else ''}", flush=True)
        for one in alarms:
            print(f"          {one['severity']} {one['id']}: {one['summary']}", flush=True)
    return 0 if silent else 1


if __name__ == "__main__":
    sys.exit(main())
