#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Marks: a leak is tied to the job that it comes after, a script's or one of the journal, and to no other job."""
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program, rows  # noqa: E402  (after the path)

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


# Tells the journal of a job as cron does, and leaks a moment later.
CRON = r"""
import os, socket, time
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.connect("/run/systemd/journal/dev-log")
kept = []
while True:
    log.send(b"<78>CRON[7]: (root) CMD (/usr/bin/backup --all)")
    time.sleep(0.02)
    kept.append(os.eventfd(0))
    time.sleep(1.1)
"""
# A journal of its own, in a place that nobody else sees.
WITH_JOURNAL = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal "/run/log/journal/$(cat /etc/machine-id)"
/lib/systemd/systemd-journald & journal=$!
trap 'kill $journal $victim' EXIT
until [ -S /run/systemd/journal/dev-log ]; do sleep 0.05; done
"$1" -c "$2" & victim=$!
"$3" explain --json --for 16s $victim || [ $? = 1 ]
"""


class Marks(unittest.TestCase):
    def test_a_leak_is_tied_to_a_job_of_the_journal(self):
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", "bash", "-c", WITH_JOURNAL, "bash",
                               sys.executable, CRON, PLUMB], capture_output=True, text=True, check=True, timeout=120)
        records = rows(done.stdout)
        leaks = [one for one in records if one["record"] == "finding" and one["id"] == "descriptor-leak"]
        self.assertEqual(len(leaks), 1, done.stderr)
        tied = [row["value"] for row in leaks[0]["evidence"] if row["what"] == "tied to"]
        self.assertTrue(tied and "cron /usr/bin/backup --all" in tied[0], (leaks[0]["evidence"], done.stderr))

    def test_a_leak_is_tied_to_the_job_that_it_comes_after(self):
        with subprocess.Popen([sys.executable, "-c", VICTIM, PLUMB], stdin=subprocess.DEVNULL) as victim:
            try:
                done = subprocess.run([PLUMB, "explain", "--json", "--for", "24s", str(victim.pid)],
                                      capture_output=True, check=False, timeout=120)
            finally:
                victim.kill()
        self.assertNotIn(b"\x1b", done.stdout)
        records = rows(done.stdout)
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
