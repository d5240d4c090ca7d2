#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb mark: a leak is tied to the script's job that it comes after, and to no other job."""
import json
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

PLUMB = program("plumb")
# Every 2.3 s a job that leaks a descriptor, every 1.7 s one that does not; the names are hostile.
VICTIM = r"""
import os, subprocess, sys, threading, time
def every(period, name, work):
    while True:
        subprocess.run([sys.argv[1], "mark", name, "start"], check=True)
        work()
        subprocess.run([sys.argv[1], "mark", name, "stop"], check=True)
        time.sleep(period)
kept = []
def leak():
    kept.append(os.eventfd(0))
threading.Thread(target=every, args=(1.7, "healthy", lambda: None), daemon=True).start()
every(2.3, "images\x1b[2J\nof \xff", leak)
"""


class Marks(unittest.TestCase):
    def test_a_leak_is_tied_to_the_job_that_it_comes_after(self):
        with subprocess.Popen([sys.executable, "-c", VICTIM, PLUMB], stdin=subprocess.DEVNULL) as victim:
            try:
                done = subprocess.run([PLUMB, "explain", "--json", "--for", "24s", str(victim.pid)],
                                      capture_output=True, check=False, timeout=120)
            finally:
                victim.kill()
        self.assertNotIn(b"\x1b", done.stdout)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        leaks = [one for one in records if one["record"] == "finding" and one["id"] == "descriptor-leak"]
        self.assertEqual(len(leaks), 1, done.stderr)
        tied = [row["value"] for row in leaks[0]["evidence"] if row["what"] in ("tied to", "or to")]
        self.assertTrue(any("mark images" in one and "by chance 1 in" in one for one in tied), leaks[0]["evidence"])
        self.assertFalse(any("healthy" in one for one in tied), tied)

    def test_nobody_listens_and_nothing_happens(self):
        for words, status in ((("backup", "start"), 0), (("backup", "stop", "-v"), 0), (("backup",), 2),
                              (("backup", "pause"), 2), (("", "start"), 2), (("x" * 65, "start"), 2)):
            with self.subTest(words=words):
                done = subprocess.run([PLUMB, "mark", *words], capture_output=True, check=False, timeout=30)
                self.assertEqual(done.returncode, status, done.stderr)


if __name__ == "__main__":
    main()
