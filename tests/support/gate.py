# SPDX-License-Identifier: Apache-2.0
"""plumb check as a test runs it: by root or by nobody, with temporary files of its own."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from scripted import program, rows

NOBODY = 65534


class GateTest(unittest.TestCase):
    """Has a folder for the specimens of its class, `folder`, and a plumb there, `plumb`."""

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="plumb-check-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.folder.chmod(0o755)
        # Somebody else's: plumb itself may stand where he cannot read.
        cls.plumb = cls.folder / "plumb"
        shutil.copy(program("plumb"), cls.plumb)

    def check(self, *arguments, user=None, folder=None, environment=None):
        """plumb check ARGUMENTS, in `folder`, else in the one for its temporary files."""
        with tempfile.TemporaryDirectory() as temporary:
            os.chmod(temporary, 0o1777)
            return subprocess.run(
                [self.plumb, "check", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                check=False, timeout=120, user=user, group=user, extra_groups=[] if user else None,
                cwd=folder or temporary,
                env={**os.environ, "TMPDIR": temporary, "HOME": temporary, **(environment or {})})

    def leaks(self, *arguments, **options):
        """The status, and the records of what leaked."""
        done = self.check("--json", *arguments, **options)
        told = rows(done.stdout)
        self.assertTrue(told, done.stderr)
        return done.returncode, [row for row in told if row["record"] == "leftover" and "excuse" not in row]

    def every(self, trials, one):
        """one(trial) for each of them, some at a time; it answers with what is wrong."""
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            wrong = [fault for fault in pool.map(one, trials) if fault]
        self.assertEqual(wrong, [])


def functions_of(leak):
    return [frame.get("function", "") for frame in leak["stack"]]
