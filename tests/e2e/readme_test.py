#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""README.md shows what really happens.

See tests/support/shown.py for how output is compared. A command is run at the root of the repository. A
comment <!-- with: COMMAND --> before a block runs that command, the factory of descriptors, beside those
of the block.
"""
import contextlib
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import factory, main, program  # noqa: E402  (after the path)
from shown import blocks, first_missing  # noqa: E402

PLUMB = program("plumb")


class Readme(unittest.TestCase):
    def test_the_commands_print_what_the_readme_shows(self):
        shown = 0
        for arguments, steps in blocks((ROOT / "README.md").read_text()):
            before, _, after = arguments.partition("plumb_factory")
            with factory(*after.split(), prefix=before.split()) if arguments else contextlib.nullcontext():
                for command, lines in steps:
                    shown += self.check(command, lines)
        self.assertGreater(shown, 5, "README.md shows no output")

    def check(self, command, lines):
        done = subprocess.run(["bash", "-c", command.replace("./plumb", str(PLUMB))], cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, timeout=120, env={**os.environ, "COLUMNS": "100"})
        with self.subTest(command=command):
            self.assertIsNone(first_missing(lines, done.stdout),
                              f"not printed, or not in this order:\n{done.stdout}")
        return len(lines)


if __name__ == "__main__":
    main()
