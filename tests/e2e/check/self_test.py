#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""This project's own unit tests under plumb check: `self_test.py PROGRAM…`. None may leave anything.

A test program runs whole, once, and its own failures are ctest's to tell.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

PLUMB = program("plumb")
PROGRAMS = [sys.argv.pop() for _ in sys.argv[1:]]
LEAKED = 99


class Self(unittest.TestCase):
    def test_the_unit_tests_leave_nothing(self):
        for path in PROGRAMS:
            with self.subTest(program=path), tempfile.TemporaryDirectory(prefix="plumb-self-") as temporary:
                done = subprocess.run(
                    [PLUMB, "check", "--leak-status", str(LEAKED), "--", path, "--gtest_brief=1"], cwd=ROOT,
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
                    env={**os.environ, "TMPDIR": temporary})
                self.assertNotEqual(done.returncode, LEAKED, done.stderr[-8000:])
                self.assertIn("nothing leaked", done.stderr)


if __name__ == "__main__":
    main()
