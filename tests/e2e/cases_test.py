#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb explain on every case below cases/, and on its healthy twin.

A case is a folder with `run STATE [healthy]` and `expected`: the findings of which one must be the first,
a colon, and what the report must say. The first finding must come within 60 s of observing and 15 s of
plumb's own time on a processor; of the twin nothing worse than a note may be said.
"""
import concurrent.futures
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

PLUMB = program("plumb")
CASES = sorted(path.parent for path in (ROOT / "cases").glob("*/expected"))
LONGEST = 75  # seconds with the start and the end; the observation itself is at most 60
MOST_CPU = 15
AT_ONCE = 3


def environment():
    """Without what would send the cases' own requests elsewhere."""
    return {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}


def explained(case, *twin):
    """(status, records, text of all of them, seconds) of plumb explain on the case's victim."""
    with tempfile.TemporaryDirectory(prefix="plumb-case-") as state:
        try:
            subprocess.run([case / "run", state, *twin], check=True, timeout=60, env=environment(),
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            time.sleep(1)
            victim = (pathlib.Path(state) / "victim").read_text().split()
            began = time.monotonic()
            done = subprocess.run([PLUMB, "explain", "--json", *victim], capture_output=True, text=True,
                                  check=False, timeout=150)
            seconds = time.monotonic() - began
        finally:
            subprocess.run([ROOT / "cases/stop", state], check=False, timeout=20)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, records, done.stdout + done.stderr, seconds


def fault_of(case):
    """What is wrong with the explanation of the case; None where all is right."""
    ids, _, words = (case / "expected").read_text().strip().partition(" : ")
    status, records, text, seconds = explained(case)
    findings = [one for one in records if one["record"] == "finding"]
    if status != 1 or not findings:
        return f"status {status}, {len(findings)} findings: {text[-500:]}"
    if findings[0]["id"] not in ids.split():
        return f"the first finding is {findings[0]['id']}: {findings[0]['summary']}"
    if words not in text:
        return f"{words} is not said: {records[-1]['answer']}"
    return f"it took {seconds:.0f} s" if seconds > LONGEST else None


def alarm_of(case):
    """What was said of the healthy twin though it should not have been."""
    status, records, text, _ = explained(case, "healthy")
    alarms = [one["summary"] for one in records if one["record"] == "finding" and one["severity"] != "info"]
    return alarms or (None if status == 0 else f"status {status}: {text[-500:]}")


class Cases(unittest.TestCase):
    def every(self, check):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            faults = dict(zip(CASES, pool.map(check, CASES)))
        # A build without optimisation beside others looks too rarely: alone it must be right.
        for case in (case for case, fault in list(faults.items()) if fault):
            faults[case] = check(case)
        self.assertEqual([f"{case.name}: {fault}" for case, fault in faults.items() if fault], [])

    def test_the_right_finding_comes_first(self):
        self.assertGreater(len(CASES), 10)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.every(fault_of)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.assertLess(spent / len(CASES), MOST_CPU)

    def test_of_the_healthy_twins_nothing_is_said(self):
        self.every(alarm_of)

    def test_each_finding_is_documented_and_each_documented_one_exists(self):
        table = (ROOT / "src/detect/finding/kinds.h").read_text()
        known = {line.split('"')[1] for line in table.splitlines() if "std::string_view k" in line}
        told = {line[3:].strip() for line in (ROOT / "docs/findings.md").read_text().splitlines()
                if line.startswith("## ")}
        self.assertEqual(known, told)


if __name__ == "__main__":
    main()
