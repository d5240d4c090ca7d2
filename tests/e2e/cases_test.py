#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb explain on every case below cases/, and on its healthy twin.

A case is a folder with `run STATE [healthy]` and `expected`: the findings of which one must be the first,
a colon, and what the report must say, more than one thing with & between them. The first finding must come within 60 s of observing and 15 s of
plumb's own time on a processor; of the twin nothing worse than a note may be said.

As a user meets it: with the release build, which ./plumb makes. Twins are watched for 20 s. With
PLUMB_CASES=all the cases that take long (they have a file `long`, which says why) are tried too, and twins
are watched until plumb itself has seen enough; PLUMB_CASES="NAME NAME" tries these alone.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
sys.path.insert(0, str(ROOT / "tests/e2e"))
import release  # noqa: E402  (after the path)
from scripted import main  # noqa: E402

PLUMB = ROOT / "build/release/src/app/cli/plumb"
ASKED = os.environ.get("PLUMB_CASES", "").split()
WHOLE = bool(ASKED)
LONGEST = 75  # seconds with the start and the end; the observation itself is at most 60
MOST_CPU = 15
AT_ONCE = 4
BUILDS = tempfile.TemporaryDirectory(prefix="plumb-builds-")


def chosen():
    """The cases to be tried, by name."""
    known = sorted(path.parent for path in (ROOT / "cases").glob("*/expected"))
    if ASKED and ASKED != ["all"]:
        return [case for case in known if case.name in ASKED]
    return [case for case in known if ASKED or not (case / "long").exists()]


def environment():
    """Without what would send the cases' own requests elsewhere; with the folder of what is built for them."""
    kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    return kept | {"BUILDS": BUILDS.name}


class Said:
    """What plumb explain said of a case's victim: status, records, all of it as text, and what it took."""

    def __init__(self, case, twin):
        options = ["--for", "20s"] if twin and not WHOLE else []
        with tempfile.TemporaryDirectory(prefix="plumb-case-", ignore_cleanup_errors=True) as state:
            try:
                subprocess.run([case / "run", state, *(["healthy"] if twin else [])], check=True, timeout=100,
                               env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                time.sleep(1)
                victim = (pathlib.Path(state) / "victim").read_text().split()
                self.explain(*options, *victim)
            finally:
                subprocess.run([ROOT / "cases/stop", state], check=False, timeout=20)

    def explain(self, *arguments):
        with tempfile.TemporaryFile("w+") as output:
            began = time.monotonic()
            with subprocess.Popen([PLUMB, "explain", "--json", *arguments], stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=output) as running:
                status, used = os.wait4(running.pid, 0)[1:]
                running.returncode = os.waitstatus_to_exitcode(status)
            self.seconds = time.monotonic() - began
            self.cpu = used.ru_utime + used.ru_stime
            output.seek(0)
            self.text = output.read()
        self.status = running.returncode
        records = [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]
        self.findings = [one for one in records if one["record"] == "finding"]

    def __str__(self):
        told = "; ".join(f"{one['id']} ({one['severity']}): {one['summary']}" for one in self.findings)
        return f"status {self.status}, {told or self.text[-500:]}"


def fault_of(case):
    """What is wrong with the explanation of the case; None where all is right."""
    ids, _, words = (case / "expected").read_text().strip().partition(" : ")
    said = Said(case, twin=False)
    if said.status != 1 or not said.findings or said.findings[0]["id"] not in ids.split():
        return f"the first finding is none of {ids}: {said}"
    for one in words.split(" & "):
        if one not in said.text:
            return f"{one} is not said: {said}"
    if said.cpu > MOST_CPU:
        return f"it took {said.cpu:.0f} s of a processor"
    return f"it took {said.seconds:.0f} s" if said.seconds > LONGEST else None


def alarm_of(case):
    """What was said of the healthy twin though it should not have been."""
    said = Said(case, twin=True)
    alarms = [one for one in said.findings if one["severity"] != "info"]
    return f"of the twin: {said}" if alarms or said.status != 0 else None


class Cases(unittest.TestCase):
    def test_the_right_finding_comes_first_and_of_the_twin_nothing_is_said(self):
        with release.locked():
            release.build()
        jobs = [(case, check) for check in (fault_of, alarm_of) for case in chosen()]
        self.assertTrue(jobs)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            faults = dict(zip(jobs, pool.map(lambda job: job[1](job[0]), jobs)))
        # On a machine that does much else what happened was not seen; alone it must be right.
        for job in (job for job, fault in list(faults.items()) if fault):
            print(f"once more, alone: {job[0].name}: {faults[job]}", flush=True)
            faults[job] = job[1](job[0])
        self.assertEqual([f"{case.name}: {fault}" for (case, _), fault in faults.items() if fault], [])

    def test_each_finding_is_documented_and_each_documented_one_exists(self):
        table = (ROOT / "src/detect/finding/kinds.h").read_text()
        known = {line.split('"')[1] for line in table.splitlines() if "std::string_view k" in line}
        told = {line[3:].strip() for line in (ROOT / "docs/findings.md").read_text().splitlines()
                if line.startswith("## ")}
        self.assertEqual(known, told)


if __name__ == "__main__":
    main()
