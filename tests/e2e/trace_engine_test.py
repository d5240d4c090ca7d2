#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb trace where it is hard: each unusual way to a descriptor and from it, and bad luck.

tests/e2e/trace/ways.c is the program that is traced; what it holds at its end is known here.
"""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program, run  # noqa: E402  (after the path)

PLUMB = program("plumb")
SURVEY = "found by a survey: came by a way that no hook sees"
# Way to {(kind, function in the stack or reason without one): held at the end}, apart from what plumb left open.
WAYS = {
    "ring-open": {("file", "ring_open"): 3, ("io_uring", "make_ring"): 1},
    "ring-accept": {("tcp", "ring_accept"): 5, ("io_uring", "make_ring"): 1},
    "rights": {("char", "take_rights"): 3, ("unix", "rights"): 2},
    "close-range": {("char", "range_closed"): 1},
    "dup-over": {("eventfd", "dup_over"): 2},
    "exec": {("char", "before_exec"): 2},
    "clone": {("pidfd", "child_as_descriptor"): 1},
    "getfd": {("pidfd", "taken_from_a_process"): 1, ("char", "taken_from_a_process"): 2},
    "32-bit": {("char", SURVEY): 2},
    "signal": {("char", "on_signal"): 2},
}
BEFORE = "open before the trace began"


def parsed(text):
    found = {"origin": [], "closed": []}
    for line in text.splitlines():
        row = json.loads(line)
        found.setdefault(row["record"], []).append(row)
    return found


def traced(*arguments, expect=(0, 1), **options):
    """The records of one trace."""
    done = subprocess.run([PLUMB, "trace", "--json", "--min-age", "0s", *map(str, arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120, **options)
    if done.returncode not in expect:
        raise AssertionError(f"plumb trace ended with {done.returncode}: {done.stderr.decode()}")
    return parsed(done.stdout)


@contextlib.contextmanager
def running(*command, stdin=subprocess.DEVNULL):
    with subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


def held_by(records, kind, where):
    """How many of a kind are held from stacks with that function, or for that reason without one."""
    return sum(o["held"] for o in records["origin"]
               if o["kind"] == kind and (o.get("reason") == where or
                                         any(where == f.get("function") for f in o["stack"])))


class Engine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="plumb-ways-")
        cls.ways = pathlib.Path(cls.folder.name) / "ways"
        run("gcc", "-O2", "-pthread", ROOT / "tests/e2e/trace/ways.c", "-o", cls.ways)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_every_way_in_and_out_is_told_by_its_function(self):
        for way, expected in WAYS.items():
            with self.subTest(way):
                records = traced("--", self.ways, way)
                for (kind, where), count in expected.items():
                    self.assertEqual(held_by(records, kind, where), count, (where, records["origin"]))
                others = sum(o["held"] for o in records["origin"] if o.get("reason") != BEFORE)
                self.assertEqual(others, sum(expected.values()), "and nothing else is held")
                losses = records["trace"][0]["losses"]
                self.assertEqual((losses["holdings"], losses["events"], losses["processes"]), (0, 0, 0))

    def test_beyond_a_signal_stack_the_kernel_walks_once_it_knows_the_way(self):
        records = traced("--", self.ways, "signal")
        self.assertEqual(held_by(records, "char", "signalled_aside"), 1, "the first is cut at the signal's frame")

    def test_a_thread_that_leaves_its_groups_table_has_one_of_its_own(self):
        with running(self.ways, "unshare") as target:
            trace = subprocess.Popen([PLUMB, "trace", "--json", "--min-age", "0s", str(target.pid)],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            self.assertTrue(self.programs_of(trace.pid))
            target.send_signal(signal.SIGUSR1)
            time.sleep(1)
            trace.send_signal(signal.SIGINT)
            records = parsed(trace.communicate(timeout=60)[0])
        self.assertEqual(held_by(records, "char", "own_table"), 2)

    def test_a_storm_of_forks_is_counted_and_leaves_nothing(self):
        records = traced("--", self.ways, "storm")
        processes = records["trace"][0]["processes"]
        self.assertEqual(len(processes), 501)
        self.assertTrue(all("status" in p for p in processes))
        self.assertEqual(held_by(records, "char", "open_one"), 0)

    def test_what_finds_no_room_is_counted(self):
        room, wanted = 1024, 2000
        records = traced("--room", room, "--", self.ways, "many", wanted)
        lost = records["trace"][0]["losses"]["holdings"]
        held = sum(o["held"] for o in records["origin"])
        self.assertGreaterEqual(lost, wanted - room)
        self.assertLessEqual(held, room)

    def test_a_stopped_process_is_said_to_be(self):
        with running("sleep", "60") as sleeper:
            sleeper.send_signal(signal.SIGSTOP)
            [process] = traced(sleeper.pid, "--for", "300ms")["trace"][0]["processes"]
            self.assertTrue(process["stopped"])
            sleeper.send_signal(signal.SIGCONT)
            time.sleep(0.2)
            [process] = traced(sleeper.pid, "--for", "300ms")["trace"][0]["processes"]
            self.assertFalse(process["stopped"])

    def test_two_traces_of_one_process_agree(self):
        loop = "read go; i=0; while [ $i -lt 40 ]; do exec 9</dev/null; i=$((i+1)); done; read end"
        with running("sh", "-c", loop, stdin=subprocess.PIPE) as target:
            both = [subprocess.Popen([PLUMB, "trace", "--json", "--min-age", "0s", str(target.pid)],
                                     stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) for _ in range(2)]
            for trace in both:
                self.assertTrue(self.programs_of(trace.pid))
            target.stdin.write(b"\n")
            target.stdin.flush()
            time.sleep(1)
            for trace in both:
                trace.send_signal(signal.SIGINT)
            first, second = (parsed(trace.communicate(timeout=60)[0]) for trace in both)
        summary = [sorted((o["kind"], o["held"], o["created"], o["closed"]) for o in r["origin"])
                   for r in (first, second)]
        self.assertEqual(summary[0], summary[1])
        self.assertTrue(summary[0])

    def test_killed_in_the_middle_it_leaves_nothing(self):
        with running("sleep", "60") as sleeper:
            trace = subprocess.Popen([PLUMB, "trace", str(sleeper.pid)], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL)
            programs = self.programs_of(trace.pid)
            self.assertTrue(programs and programs <= self.loaded())
            trace.kill()
            trace.wait()
            deadline = time.monotonic() + 10
            while programs & self.loaded() and time.monotonic() < deadline:
                time.sleep(0.1)
            self.assertEqual(programs & self.loaded(), set())
            self.assertIsNone(sleeper.poll())
            state = pathlib.Path(f"/proc/{sleeper.pid}/status").read_text(encoding="ascii")
            self.assertIn("TracerPid:\t0", state)

    def test_a_command_outlives_a_trace_that_was_killed(self):
        marker = pathlib.Path(self.folder.name) / "done"
        trace = subprocess.Popen([PLUMB, "trace", "--", "sh", "-c", f"sleep 2; touch {marker}"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.assertTrue(self.programs_of(trace.pid))
        time.sleep(0.5)
        trace.kill()
        trace.wait()
        deadline = time.monotonic() + 10
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertTrue(marker.exists())

    def test_without_rights_it_says_what_would_help(self):
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PLUMB, "trace",
                               "--", "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("sudo", done.stderr)

    def test_without_type_information_it_says_what_would_help(self):
        done = subprocess.run(["unshare", "--mount", "sh", "-c",
                               'mount -t tmpfs none /sys/kernel/btf && exec "$0" trace -- true', PLUMB],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("CONFIG_DEBUG_INFO_BTF", done.stderr)

    @staticmethod
    def loaded():
        """The numbers of all BPF programs in the kernel."""
        path = os.environ["PATH"] + ":/usr/sbin"
        return {row["id"] for row in json.loads(run("bpftool", "prog", "show", "-j", env={**os.environ, "PATH": path}))}

    @staticmethod
    def programs_of(pid):
        """Those that a process holds, once it has attached them."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            lines = []
            for entry in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
                with contextlib.suppress(OSError):
                    lines += entry.read_text(encoding="ascii").splitlines()
            if sum(line.startswith("link_type:") for line in lines) >= 4:
                time.sleep(0.5)
                return {int(line.split()[1]) for line in lines if line.startswith("prog_id:")}
            time.sleep(0.1)
        return set()


if __name__ == "__main__":
    main()
