#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names with line breaks, escape sequences, bad UTF-8 and thousands of characters stay one line a row,
cannot command the terminal, and leave JSON whole: on a terminal, in a pipe, as root and without BPF."""
import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import termios
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import factory, main, program  # noqa: E402  (after the path)

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "TMPDIR=/tmp"]
LENGTHS = (4000, 4095, 4096, 5000)


def unsafe(text):
    """The characters of decoded text that no row may hold: C0 but the line's end, DEL, C1, the marks that
    turn the direction of writing, and what some readers take for the end of a line."""
    return [c for c in text if (ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) <= 0x9F
            or c in "\u2028\u2029" or 0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069]


def on_a_terminal(command):
    """What command writes to a terminal of 120 columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its, stderr=subprocess.DEVNULL) as running:
        os.close(its)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            text += part
        running.wait()
    os.close(ours)
    return text.replace(b"\r\n", b"\n")


class Hostile(unittest.TestCase):
    def setUp(self):
        prefix = NOBODY if "nobody" in self.id() else []
        if prefix and os.geteuid() != 0:
            self.skipTest("becoming nobody needs root")
        self.plumb = [*prefix, program("plumb")]
        made = self.entered(factory("--hostile", prefix=prefix))
        self.pid = made.said[0]["pid"]
        self.opened = [row for row in made.said if "fd" in row]

    def entered(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def output(self, *arguments):
        return subprocess.run([*self.plumb, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              check=True).stdout

    def check_json(self):
        lines = self.output("ls", str(self.pid), "--json").split(b"\n")
        self.assertEqual(lines.pop(), b"")
        rows = [json.loads(line.decode("utf-8")) for line in lines]  # strict: bad UTF-8 fails here
        for line in lines:
            self.assertEqual(unsafe(line.decode()), [], line)
        seen = {row["fd"]: row for row in rows if row["record"] == "descriptor" and row["pid"] == self.pid}
        for row in self.opened:
            with self.subTest(row=row):
                self.assertEqual(seen[row["fd"]]["kind"], row["kind"])
        for length in LENGTHS:
            row = next(r for r in self.opened if r["what"] == f"{length} characters")
            got = seen[row["fd"]]
            with self.subTest(length=length):
                # The kernel prints at most a page with its NUL: of a longer path it says only that.
                if length < 4096:
                    self.assertEqual(len(got["path"]), length)
                else:
                    self.assertNotIn("path", got)
                    self.assertEqual(got["errno"], 36, "ENAMETOOLONG")

    def check_text(self, *command):
        text = self.output(*command, str(self.pid)).decode("utf-8")
        self.assertEqual(unsafe(text), [])
        return text.splitlines()

    def check_ls(self):
        lines = self.check_text("ls")
        heading, rows = lines[0], lines[1:]
        self.assertIn("PID", heading)
        own = [line for line in rows if line.lstrip().startswith(f"{self.pid} ")]
        self.assertGreaterEqual(len(own), len(self.opened))
        self.assertEqual([line for line in rows if not line.lstrip()[:1].isdigit()], [], "a row began in a name")

    def check_terminal(self):
        for command in (["ls", str(self.pid)], ["tree", str(self.pid)]):
            text = on_a_terminal([*self.plumb, *command]).decode("utf-8")
            # Colours of our own are allowed, and nothing else: CSI digits and semicolons m.
            bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
            self.assertEqual(unsafe(bare), [], command)
            self.assertNotIn("\x1b[31m and title", text)
            for line in bare.split("\n"):
                self.assertLessEqual(len(line), 120, line)

    def test_json(self):
        self.check_json()

    def test_json_of_nobody(self):
        self.check_json()

    def test_one_line_a_row(self):
        self.check_ls()

    def test_one_line_a_row_of_nobody(self):
        self.check_ls()

    def test_tree(self):
        # nine children, each with a hostile name and argument
        self.assertGreaterEqual(len(self.check_text("tree")), 9)

    def test_tree_json(self):
        for line in self.output("tree", str(self.pid), "--json").splitlines():
            json.loads(line.decode("utf-8"))
            self.assertEqual(unsafe(line.decode()), [], line)

    def test_nothing_commands_the_terminal(self):
        self.check_terminal()


if __name__ == "__main__":
    main()
