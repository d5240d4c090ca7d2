#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/check.md, run as they stand there: `examples_test.py NAME…`, a heading each.

A line that is a file's name in backquotes gives the next block to that file; the blocks of sh are run, and the last
one must end with 1 and print the lines of the text block below it.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

PLUMB = program("plumb")
EXAMPLES = [sys.argv.pop() for _ in sys.argv[1:]]
BLOCK = re.compile(r"(?:^`([\w.]+)`\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Examples(unittest.TestCase):
    def test_each_catches_its_leak_and_prints_what_the_document_says(self):
        text = (ROOT / "docs/check.md").read_text()
        for name in EXAMPLES:
            with self.subTest(example=name), tempfile.TemporaryDirectory(prefix="plumb-example-") as folder:
                section = re.split(r"^#+ ", text.split(f"### {name}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
                self.run_section(section, pathlib.Path(folder))

    def run_section(self, section, folder):
        project = folder / "shop"
        project.mkdir()
        temporary = folder / "tmp"
        temporary.mkdir()
        done = expected = None
        environment = {**os.environ, "PATH": f"{PLUMB.parent}:/usr/bin:/bin:{os.environ['PATH']}",
                       "TMPDIR": str(temporary), "HOME": str(folder), "GOCACHE": str(folder / "go")}
        for file, language, block in BLOCK.findall(section):
            if file:
                (project / file).write_text(block)
            elif language == "sh":
                done = subprocess.run(["bash", "-ec", block], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                      check=False, timeout=300, cwd=project, env=environment)
            elif language == "text":
                expected = block.strip()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"\n{expected}", done.stderr)
        self.assertEqual(done.stderr.count("still open at the end of"), 1, done.stderr)


if __name__ == "__main__":
    if EXAMPLES == ["npm test"] and not shutil.which("npm"):
        print("skip: npm is not installed")
        sys.exit(77)
    main()
