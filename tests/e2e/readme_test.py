#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""README.md shows what really happens.

Each ```console block holds commands after "$ " and below each of them what it printed. A command is
run at the root of the repository; numbers, and words that the README marks with …, may differ, the
rest may not. Commands of one block share a shell, so that a block can start what it looks at.
"""
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

PLUMB = program("plumb")
END = "-- end of the command --"


def blocks():
    """Yields a list of (command, lines that it printed) for each console block."""
    for block in re.findall(r"^```console\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL):
        steps = []
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            else:
                steps[-1][1].append(line)
        yield steps


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
        for steps in blocks():
            script = "".join(f"{command}\necho '{END}'\n" for command, _ in steps)
            done = subprocess.run(["bash", "-c", script.replace("./plumb", f"'{PLUMB}'")], cwd=ROOT, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  check=False, timeout=120, env={**os.environ, "COLUMNS": "100"})
            printed = done.stdout.split(f"{END}\n")
            for (command, lines), output in zip(steps, printed):
                rest = iter(output.splitlines())
                for line in lines:
                    with self.subTest(command=command, line=line):
                        self.assertTrue(any(shape(line).match(each.strip()) for each in rest),
                                        f"not printed, or not in this order:\n{output}")
                        shown += 1
        self.assertGreater(shown, 5, "README.md shows no output")


if __name__ == "__main__":
    main()
