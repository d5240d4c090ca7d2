#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb demo leaves nothing behind, however it ends. That it finds the mysteries is tested by mysteries_test.py."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)
from waiting import wait_until  # noqa: E402

PLUMB = program("plumb")


def cast_of(marker):
    """The programs of demonstrations that have this environment variable."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if b"PLUMB_TEST=" + marker.encode() + b"\0" in (folder / "environ").read_bytes() \
                    and os.readlink(folder / "exe").endswith("/plumb-cast"):
                found.append(int(folder.name))
        except OSError:
            pass
    return found


def started(marker, *arguments, plumb=PLUMB, **options):
    return subprocess.Popen([plumb, "demo", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env={**os.environ, "PLUMB_TEST": marker},
                            **options)


class Demo(unittest.TestCase):
    def begun(self, marker):
        running = started(marker)
        self.addCleanup(running.stdout.close)
        for line in running.stdout:
            if line.startswith("plumb explain "):
                break
        self.assertTrue(wait_until(lambda: len(cast_of(marker)) >= 4), "the programs did not start")
        return running

    def test_an_interrupt_ends_it_with_what_was_found(self):
        running = self.begun("interrupted")
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[0]
        self.assertIn("processes are ended", said)
        self.assertEqual(cast_of("interrupted"), [])

    def test_the_programs_die_with_a_plumb_that_is_killed(self):
        running = self.begun("killed")
        running.kill()
        running.wait()
        self.assertTrue(wait_until(lambda: not cast_of("killed")), cast_of("killed"))

    def test_without_its_programs_it_says_so(self):
        with tempfile.TemporaryDirectory(prefix="plumb-demo-") as folder:
            alone = shutil.copy2(PLUMB, folder)
            with started("alone", plumb=alone) as running:
                said = running.communicate(timeout=60)[0]
        self.assertEqual(running.returncode, 3, said)
        self.assertIn("plumb-cast", said)


if __name__ == "__main__":
    main()
