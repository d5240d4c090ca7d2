#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb explain --reproduce: a stuck child's command is run again, and the exchange that hangs is seen.

The children of this test stop coming a few seconds after plumb has begun: what is said of their exchange
is said because of the one that plumb ran itself.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

PLUMB = program("plumb")
CAST = PLUMB.parent / "../cast/plumb-cast"
CHILD = """
import os, socket, sys
with open(sys.argv[2], "a") as log:
    print(os.getcwd(), os.environ["HEARTBEAT"], os.getppid(), file=log)
proxy = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
proxy.send(b"GET " + sys.stdin.readline().strip().encode() + b" HTTP/1.1\\r\\nHost: service.example\\r\\n\\r\\n")
while proxy.recv(4096):
    pass
"""
PARENT = """
import subprocess, sys, time
for number in range(8):
    with open("request") as request:
        subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=request)
    time.sleep(0.2 if number < 2 else 0.9)
time.sleep(600)
"""


@contextlib.contextmanager
def played(*words):
    """One of the demonstration's programs, and the port that it says."""
    with subprocess.Popen(words, executable=CAST, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True) as running:
        try:
            yield running.stdout.readline().strip()
        finally:
            running.kill()


class Reproduce(unittest.TestCase):
    def explained(self, *options):
        """(records, what was said on stderr, pid of plumb, lines of the children)"""
        with tempfile.TemporaryDirectory(prefix="plumb-again-") as folder, played("origin") as origin, \
                played("proxy", origin) as proxy:
            script = pathlib.Path(folder, "child.py")
            script.write_text(CHILD)
            pathlib.Path(folder, "request").write_text("http://service.example/Heartbeat?token=hush\n")
            log = pathlib.Path(folder, "log")
            with subprocess.Popen([sys.executable, "-c", PARENT, script, proxy, log], cwd=folder,
                                  env={**os.environ, "HEARTBEAT": "loud"}, process_group=0,
                                  stdin=subprocess.DEVNULL) as parent:
                try:
                    while not log.exists():
                        time.sleep(0.02)
                    running = subprocess.Popen([PLUMB, "explain", "--json", "--for", "12s", *options, str(parent.pid)],
                                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                               stderr=subprocess.PIPE, text=True)
                    out, said = running.communicate(timeout=120)
                finally:
                    os.killpg(parent.pid, 9)
            self.folder = folder
            return [json.loads(line) for line in out.splitlines()], said, running.pid, log.read_text().splitlines()

    def test_it_sees_the_exchange_that_hangs(self):
        records, said, pid, lines = self.explained("--reproduce", "--yes")
        findings = {one["id"]: one for one in records if one["record"] == "finding"}
        self.assertIn("stuck-children", findings, said)
        evidence = {row["what"]: row["value"] for row in findings["stuck-children"]["evidence"]}
        self.assertIn("did not end", evidence.get("run again", ""), evidence)
        self.assertIn("the connection is kept", evidence.get("what it saw", ""), evidence)
        self.assertIn("unframed-response", findings)
        self.assertIn("content-encoding: gzip", json.dumps(findings["unframed-response"]))
        self.assertNotIn("hush", json.dumps(records) + said)
        # Once more than the parent did it, by plumb, in the same place with the same environment.
        self.assertEqual(len(lines), 9, lines)
        self.assertEqual(lines[-1], f"{self.folder} loud {pid}")
        self.assertIn("sent once more", said)
        # What the child reads matters: without it there is no request.
        self.assertIn(f"reading {self.folder}/request from its beginning", " ".join(said.split()))
        self.assertIn("/Heartbeat", evidence["what it saw"])

    def test_without_a_terminal_nothing_is_run_unless_it_was_said(self):
        records, said, _, lines = self.explained("--reproduce")
        self.assertIn("--yes", said)
        self.assertEqual(len(lines), 8, lines)
        self.assertTrue(any(one["record"] == "finding" and one["id"] == "stuck-children" for one in records))


if __name__ == "__main__":
    main()
