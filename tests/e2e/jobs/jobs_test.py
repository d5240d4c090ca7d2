#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs of plumb's runtime: a leak is tied to the job that it comes after, by the runtime's own probe, and the twin
that closes everything is silent."""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

SAMPLE = os.environ["PLUMB_JOBS_SAMPLE"]


def findings_of(seconds, *options):
    """What plumb explain finds wrong with the sample, and all that it said."""
    with subprocess.Popen([SAMPLE, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as running:
        try:
            running.stdout.readline()
            done = subprocess.run([program("plumb"), "explain", "--json", "--for", seconds, str(running.pid)],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=150)
        finally:
            running.kill()
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [one for one in rows if one["record"] == "finding" and one["severity"] != "info"], done.stdout + done.stderr


class Jobs(unittest.TestCase):
    def test_a_leak_is_tied_to_the_job_that_leaks_and_of_the_twin_nothing_is_said(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            leaks = pool.submit(findings_of, "16s")
            twin = pool.submit(findings_of, "11s", "healthy")
        self.assertEqual(twin.result()[0], [], twin.result()[1])
        found, said = leaks.result()
        self.assertEqual([one["id"] for one in found], ["descriptor-leak"], said)
        tied = [row["value"] for row in found[0]["evidence"] if row["what"] in ("tied to", "or to")]
        self.assertTrue(any("runs of job check images" in one and "by chance 1 in" in one for one in tied), said)
        self.assertFalse(any("count tags" in one for one in tied), tied)
        self.assertIn("check", json.dumps(found[0]["evidence"]))


if __name__ == "__main__":
    main()
