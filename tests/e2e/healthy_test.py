#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Of servers under some load plumb explain finds nothing worse than a note. The short form of
bench/healthy/healthy.py: some of its servers, a third of a minute each, all at once."""
import concurrent.futures
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from healthy_servers import running  # noqa: E402  (after the path)
from scripted import main, program, rows  # noqa: E402

SECONDS = 20


def alarms_of(name):
    with running(name, SECONDS + 30, gentle=True) as pid:
        done = subprocess.run([program("plumb"), "explain", "--json", "--for", f"{SECONDS}s", str(pid)],
                              capture_output=True, text=True, check=False, timeout=120)
    records = rows(done.stdout)
    if not records:
        return [done.stderr]
    return [f"{name}: {one['summary']}" for one in records
            if one["record"] == "finding" and one["severity"] != "info"]


class Healthy(unittest.TestCase):
    def test_nothing_is_said_of_servers_under_load(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            said = pool.map(alarms_of, ("redis", "postgres", "sshd"))
        self.assertEqual([line for alarms in said for line in alarms], [])


if __name__ == "__main__":
    main()
