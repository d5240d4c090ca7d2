#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""README.md shows what really happens.

Each ```console block holds commands after "$ " and below each of them what it printed. A command is
run at the root of the repository; numbers, and words that the README marks with …, may differ, the
rest may not, and the lines come in this order. A comment <!-- with: COMMAND --> before a block runs
that command, the factory of descriptors, beside those of the block.
"""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import factory, main, program  # noqa: E402  (after the path)

PLUMB = program("plumb")
BLOCK = re.compile(r"(?:^<!-- with: (.*) -->\n)?^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks():
    """Yields (command that runs beside it or "", [(command, lines that it printed)]) for each console block."""
    for arguments, block in BLOCK.findall((ROOT / "README.md").read_text()):
        steps = []
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif line:
                steps[-1][1].append(line)
        yield arguments, steps


def shape(line):
    """A pattern for lines like this one: any number for a number, any gap for a gap, anything for …"""
    parts = []
    for piece in re.findall(r"…|\d+(?:[.,]\d+)*|\s+|[^\s\d…]+", line.strip()):
        if piece == "…":
            parts.append(r".*")
        elif piece[0].isdigit():
            parts.append(r"\d+(?:[.,]\d+)*")
        elif piece.isspace():
            parts.append(r"\s+")
        else:
            parts.append(re.escape(piece))
    return re.compile("".join(parts) + "$")


class Readme(unittest.TestCase):
    def test_the_commands_print_what_the_readme_shows(self):
        shown = 0
        for arguments, steps in blocks():
            before, _, after = arguments.partition("plumb_factory")
            with factory(*after.split(), prefix=before.split()) if arguments else contextlib.nullcontext():
                for command, lines in steps:
                    shown += self.check(command, lines)
        self.assertGreater(shown, 5, "README.md shows no output")

    def check(self, command, lines):
        done = subprocess.run(["bash", "-c", command.replace("./plumb", str(PLUMB))], cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, timeout=120, env={**os.environ, "COLUMNS": "100"})
        rest = iter(done.stdout.splitlines())
        for line in lines:
            with self.subTest(command=command, line=line):
                self.assertTrue(any(shape(line).match(each.strip()) for each in rest),
                                f"not printed, or not in this order:\n{done.stdout}")
        return len(lines)


if __name__ == "__main__":
    main()
