#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb, plumb ls and plumb tree as a user meets them: statuses, hints, pipes, colours, odd names."""
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from scripted import factory, main, program, records  # noqa: E402  (after the path)

PLUMB = program("plumb")


def plumb(*arguments, **options):
    """Runs plumb; stdout and stderr apart."""
    environment = {**os.environ, **options.pop("env", {})}
    return subprocess.run([PLUMB, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=60, env=environment, **options)


def on_terminal(*arguments, columns=100, env=None):
    """What plumb prints on a terminal of this width."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", **(env or {})}
    if not env:
        environment.pop("NO_COLOR", None)
    with subprocess.Popen([PLUMB, *arguments], stdin=slave, stdout=slave, stderr=subprocess.DEVNULL,
                          env=environment):
        os.close(slave)
        said = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # EIO: the last writer has gone
                break
            said += piece
    os.close(master)
    return said.decode().replace("\r\n", "\n")


class Usage(unittest.TestCase):
    def refused(self, *arguments):
        done = plumb(*arguments)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_a_command_that_is_none_is_answered_with_the_nearest(self):
        self.assertIn("did you mean plumb tree", self.refused("tre"))
        self.assertIn("plumb --help", self.refused("frobnicate"))

    def test_so_is_an_option_a_kind_a_state_and_a_column(self):
        self.assertIn("--columns", self.refused("ls", "--colums", "pid"))
        self.assertIn("did you mean tcp", self.refused("ls", "--kind", "tpc"))
        self.assertIn("did you mean close-wait", self.refused("ls", "--state", "closewait"))
        self.assertIn("did you mean name", self.refused("ls", "--columns", "pid,nane"))
        self.assertIn("did you mean zombie", self.refused("check", "--kind", "zombi", "--", "true"))

    def test_every_command_refuses_what_is_no_duration(self):
        for words in (["ls", "--older", "x"], ["http", "--for", "x", "1"], ["trace", "--min-age", "x", "1"],
                      ["goroutines", "--http", "--min-age", "x", "1"], ["check", "--grace", "x", "--", "true"],
                      ["hangup", "--peer", ":1", "--older", "x"], ["explain", "--for", "x"], ["demo", "--for", "x"]):
            self.assertIn(" x: no duration; write 30s", self.refused(*words))

    def test_values_that_cannot_be_read_say_what_may_be_written(self):
        self.assertIn("10m", self.refused("ls", "--older", "ten"))
        self.assertIn("8080", self.refused("ls", ":http"))
        self.refused("ls", "--color", "purple")

    def test_a_selector_that_matches_nothing_hints_at_the_nearest_names(self):
        with factory():
            self.assertIn("did you mean plumb_factory", self.refused("ls", "plumb_factroy"))
            self.assertIn("nothing matches", self.refused("tree", "no-such-process-at-all"))

    def test_help_and_version_are_on_stdout(self):
        for arguments in (["--help"], ["ls", "--help"], ["tree", "--help"], ["--version"]):
            done = plumb(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout)


class Pipes(unittest.TestCase):
    def test_a_reader_that_goes_is_silence(self):
        with factory("--load", "3000"):
            for arguments in (["ls"], ["ls", "--json"], ["tree"], ["ls", "--count"]):
                done = subprocess.run(["bash", "-c", '"$0" "$@" | head -1; exit ${PIPESTATUS[0]}', PLUMB, *arguments],
                                      capture_output=True, text=True, check=False, timeout=60)
                self.assertEqual(done.returncode, 0)
                self.assertNotIn("plumb:", done.stderr)

    def test_a_full_disk_is_not(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PLUMB, "ls"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("No space left on device", done.stderr)


class Terminal(unittest.TestCase):
    def test_lines_fit_and_colours_are_for_terminals(self):
        with factory() as running:
            pid = str(running.pid)
            for columns in (80, 100, 160):
                for command in (["ls", pid], ["tree", pid], []):
                    text = on_terminal(*command, columns=columns)
                    self.assertIn("\x1b[", text)
                    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines():
                        self.assertLessEqual(len(line), columns, line)
            self.assertNotIn("\x1b", on_terminal("ls", pid, env={"NO_COLOR": "1"}))
            self.assertNotIn("\x1b", plumb("ls", pid).stdout)
            self.assertIn("\x1b[", plumb("ls", pid, "--color", "always").stdout)
            self.assertNotIn("\x1b", on_terminal("ls", pid, "--color", "never"))

    def test_odd_names_stay_one_line_and_harmless(self):
        with factory("--hostile") as running:
            done = plumb("ls", str(running.pid))
            held = len(os.listdir(f"/proc/{running.pid}/fd"))
            self.assertEqual(len(done.stdout.splitlines()), held + 1)
            for text in (done.stdout, plumb("tree", str(running.pid)).stdout):
                self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text))
            for line in plumb("ls", str(running.pid), "--json").stdout.splitlines():
                json.loads(line)


class Answers(unittest.TestCase):
    def test_each_socket_of_an_editor_is_paired_with_its_child(self):
        with factory("--editor", "200") as running:
            rows = records("ls", str(running.pid), "--kind", "unix")["descriptor"]
            self.assertEqual(len(rows), 200)
            for row in rows:
                for holder in row["end"]["holders"]:
                    own = f"/proc/{holder['pid']}"
                    self.assertIn(f"\nPPid:\t{running.pid}\n", pathlib.Path(own, "status").read_text())
                    self.assertTrue(os.readlink(f"{own}/fd/{holder['fd']}").startswith("socket:"))

    def test_the_tree_folds_the_editors_children(self):
        with factory("--editor", "200") as running:
            text = plumb("tree", str(running.pid)).stdout
            self.assertEqual(len(text.splitlines()), 4, text)
            self.assertRegex(text, r"└─ 200 × curl http://")
            self.assertRegex(text, rf"all in read · unix → [^ ]*\({running.pid}\)")
            nodes = records("tree", str(running.pid))["node"]
            self.assertEqual([node["processes"] for node in nodes], [1, 200])

    def test_counts_are_those_of_proc(self):
        with factory() as running:
            count = records("ls", "--count", str(running.pid))["count"]
            self.assertEqual(len(count), 1)
            self.assertEqual(count[0]["descriptors"], len(os.listdir(f"/proc/{running.pid}/fd")))

    def test_the_summary_names_a_table_that_is_nearly_full(self):
        with subprocess.Popen(["sh", "-c", "ulimit -n 11; exec 3</dev/null 4<&3 5<&3 6<&3 7<&3 8<&3 9<&3; read x"],
                              stdin=subprocess.PIPE) as full:
            while len(os.listdir(f"/proc/{full.pid}/fd")) < 10:
                pass
            found = [one for one in records_with_status("--json", status=1)
                     if one["record"] == "finding" and one["pid"] == full.pid]
            full.stdin.close()
        self.assertEqual([one["id"] for one in found], ["table-nearly-full"])


def records_with_status(*arguments, status):
    done = plumb(*arguments)
    assert done.returncode == status, done
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    main()
