#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb check on specimens and their healthy twins, on programs that leave nothing, and as a gate: its
statuses, its reports, what it allows. All of it as root and as a user without rights."""
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from gate import NOBODY, GateTest, functions_of  # noqa: E402  (after the path)
from scripted import main, run  # noqa: E402

# Disease, kind of the leak, guilty function.
DISEASES = [
    ("file", "file", "read_rules"), ("listener", "tcp", "open_port"), ("pipe", "pipe", "keep_pipe_end"),
    ("epolls", "epoll", "watch_twice"), ("running", "process", "start_helper"), ("zombie", "zombie", "ask_once"),
    ("temporary", "temporary", "write_report"), ("directory", "temporary", "make_workplace"),
    ("socket", "temporary", "bind_name"), ("child", "file", "read_rules"),
]


class Check(GateTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.left = cls.folder / "left"
        run("gcc", "-g", "-O2", "-pthread", "-o", cls.left, ROOT / "cases/specimens/c/left.c")

    def test_each_disease_is_caught_with_its_guilty_function_and_each_twin_is_not(self):
        def one(row):
            (disease, kind, guilty), user = row
            status, leaks = self.leaks("--", self.left, disease, user=user)
            told = [(leak["kind"], functions_of(leak)) for leak in leaks]
            if status != 1 or len(told) != 1 or told[0][0] != kind or guilty not in told[0][1]:
                return disease, user, status, told
            twin = self.check("--", self.left, disease, "healthy", user=user)
            return (disease, user, "healthy", twin.stderr) if twin.returncode != 0 else None

        self.every([(disease, user) for disease in DISEASES for user in (None, NOBODY)], one)

    def test_programs_of_debian_leave_nothing(self):
        folder = self.folder / "quiet"
        folder.mkdir()
        (folder / "Makefile").write_text("all:\n\t@echo made | cat\n\t@sleep 0.01 & wait\n")
        (folder / "script.sh").write_text("x=$(cat /etc/hosts | wc -l)\n(exit 3)\n: <<END\ntext\nEND\n")
        (folder / "page.txt").write_text("text\n")
        run("git", "init", "-q", folder)
        commands = [
            ["true"], ["ls", "/"], ["git", "-C", folder, "status"], ["/usr/bin/python3", "-c", "pass"],
            ["node", "-e", "0"], ["curl", "-s", f"file://{folder}/page.txt"], ["go", "version"],
            ["make", "-C", folder, "-j2"], ["bash", folder / "script.sh"], ["dash", folder / "script.sh"],
            ["perl", "-e", "print 1"], ["grep", "-r", "text", folder], ["find", folder, "-name", "x"],
            ["openssl", "version"], ["node", "-e", "require('fs').readFile('/etc/hosts', () => {})"],
            ["/usr/bin/python3", "-c", "import asyncio; asyncio.run(asyncio.sleep(0.01))"],
            ["/usr/bin/python3", "-c", "import subprocess; subprocess.run(['true'])"],
            ["tar", "cf", "/dev/null", folder], ["gcc", "--version"], ["cmake", "--version"],
        ]

        def one(row):
            command, user = row
            done = self.check("--", *command, user=user, environment={"HOME": str(folder)})
            own = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60,
                                 user=user, group=user, env={**os.environ, "HOME": str(folder)}).returncode
            return (command, user, done.returncode, done.stderr) if done.returncode != own else None

        self.every([(command, user) for command in commands for user in (None, NOBODY)], one)

    def test_the_status_is_the_command_s_own_unless_something_leaked(self):
        for status in (0, 1, 2, 3, 42):
            self.assertEqual(self.check("--", "sh", "-c", f"exit {status}").returncode, status)
        self.assertEqual(self.check("--", "sh", "-c", "kill -9 $$").returncode, 137)
        self.assertEqual(self.check("--", self.left, "file", "ill", "7").returncode, 1)
        self.assertEqual(self.check("--leak-status", "99", "--", self.left, "file").returncode, 99)
        self.assertEqual(self.check("--", self.left, "file", "healthy", "7").returncode, 7)
        missing = self.check("--", "no-such-program-at-all")
        self.assertEqual(missing.returncode, 127)
        self.assertIn("no-such-program-at-all: No such file", missing.stderr)
        (self.folder / "text").write_text("no program\n")
        self.assertEqual(self.check("--", self.folder / "text").returncode, 126)
        self.assertEqual(self.check().returncode, 2)
        self.assertEqual(self.check("--kind", "tpc", "--", "true").returncode, 2)
        self.assertEqual(self.check("--grace", "x", "--", "true").returncode, 2)

    def test_the_report_names_the_line_and_the_command_s_output_stays_its_own(self):
        done = self.check("--", "sh", "-c", f"echo out; echo err >&2; {self.left} file")
        self.assertEqual(done.stdout, "out\n")
        self.assertIn("err\n", done.stderr)
        self.assertRegex(done.stderr, r"1 file descriptor still open at the end of left, from read_rules ← main")
        self.assertRegex(done.stderr, r"fd 3  /etc/passwd")
        self.assertRegex(done.stderr, r"▸ read_rules +left\.c:\d+")
        self.assertIn("plumb check: nothing leaked by 1 process of true", self.check("--", "true").stderr)
        self.assertEqual(self.check("--quiet", "--", "true").stderr, "")

    def test_what_is_left_running_is_ended_and_named(self):
        status, leaks = self.leaks("--", self.left, "running")
        self.assertEqual((status, len(leaks)), (1, 1))
        pid = leaks[0]["samples"][0]["pid"]
        self.assertFalse(os.path.exists(f"/proc/{pid}"))
        self.assertEqual(self.check("--grace", "5s", "--", "sh", "-c", "sleep 0.3 &").returncode, 0)
        listening = "import socket, time, os\nif os.fork() == 0:\n s = socket.create_server(('127.0.0.1', 0))\n" \
                    " open('ready', 'w').close()\n time.sleep(600)\nwhile not os.path.exists('ready'): time.sleep(.01)"
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            _, leaks = self.leaks("--", "/usr/bin/python3", "-c", listening, folder=folder)
        running = [leak for leak in leaks if leak["kind"] == "process"]
        self.assertRegex(running[0]["samples"][0]["name"], r"127\.0\.0\.1:\d+.*listen")
        self.assertIn("<module>", functions_of(running[0]))

    def test_patterns_allow_and_kinds_choose(self):
        command = ("--", self.left, "file")
        for pattern in ("function:read_rules", "kind:file", "name:/etc/*", "process:left file:left.c", "read_*"):
            self.assertEqual(self.check("--allow", pattern, *command).returncode, 0, pattern)
        for pattern in ("function:other", "kind:tcp", "process:left kind:unix"):
            self.assertEqual(self.check("--allow", pattern, *command).returncode, 1, pattern)
        self.assertEqual(self.check("--allow", "colour:red", *command).returncode, 2)
        self.assertEqual(self.check("--kind", "tcp,zombie", *command).returncode, 0)
        self.assertEqual(self.check("--kind", "listener", "--", self.left, "listener").returncode, 1)
        inner = self.folder / "project/build"
        inner.mkdir(parents=True)
        (inner.parent / ".plumb-allow").write_text("# left on purpose\nfunction:read_rules kind:file\n")
        self.assertEqual(self.check(*command, folder=inner).returncode, 0)
        told = self.check("--all", *command, folder=inner).stderr
        self.assertIn(".plumb-allow:2: function:read_rules kind:file", told)
        (inner.parent / ".plumb-allow").write_text("\nwhat:ever\n")
        wrong = self.check(*command, folder=inner)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn(".plumb-allow:2", wrong.stderr)

    def test_junit_and_annotations_name_file_and_line(self):
        report = self.folder / "leaks.xml"
        done = self.check("--junit", report, "--github", "--", self.left, "file",
                          environment={"GITHUB_WORKSPACE": str(ROOT)})
        self.assertRegex(done.stdout, r"^::error file=cases/specimens/c/left\.c,line=\d+,title=plumb check%3A file")
        suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("1", "1"))
        case = suite.find("testcase")
        self.assertIn("left.c", case.get("file"))
        self.assertIn("read_rules", case.find("failure").text)
        self.check("--junit", report, "--", "true")
        suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("1", "0"))

    def test_python_is_named_by_its_own_functions(self):
        script = "import os\ndef read_rules():\n  return os.open('/etc/hosts', os.O_RDONLY)\ndef work():\n" \
                 "  read_rules()\nwork()\n"
        for user in (None, NOBODY):
            _, leaks = self.leaks("--", "/usr/bin/python3", "-c", script, user=user)
            self.assertEqual([leak["kind"] for leak in leaks], ["file"])
            names = functions_of(leaks[0])
            self.assertEqual([name for name in names if name in ("read_rules", "work", "<module>")],
                             ["read_rules", "work", "<module>"])

    def test_what_a_process_was_started_with_is_not_its_own(self):
        inherit = "exec 3</etc/hosts; \"$0\" -c 'exec 4<&3; true'; exec 3<&-"
        self.assertEqual(self.check("--", "bash", "-c", inherit, "/bin/bash").returncode, 0)
        self.assertEqual(self.check("--", "bash", "-c", "exec 3</etc/hosts; exec true").returncode, 0)
        self.assertEqual(self.check("--", "bash", "-c", "exec 3</etc/hosts; true").returncode, 1)
        killed = "exec 3</etc/hosts; kill -9 $$"
        self.assertEqual(self.check("--", "bash", "-c", killed).returncode, 137)


if __name__ == "__main__":
    main()
