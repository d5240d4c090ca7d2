#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb waits on chains of real processes: the right end, the whole way, rings, clean text, DOT."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import by_record, main, program  # noqa: E402  (after the path)

PLUMB = program("plumb")
LINKS = ["pipe", "unix", "tcp", "flock", "child"]


def plumb(*arguments):
    return subprocess.run([PLUMB, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, timeout=60)


@contextlib.contextmanager
def chain(*links):
    """The pids of a chain of processes, in its order, once they all wait."""
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen([sys.executable, ROOT / "tests/support/chain.py", folder, *links],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as first:
            pids = []
            for line in first.stdout:
                if line == "ready\n":
                    break
                pids.append(int(line.split()[1]))
            try:
                settle(pids)
                yield pids
            finally:
                first.kill()  # the others are told to die with their parent


def settle(pids):
    """Waits until each sleeps in a call of its own choice, not in a start-up's."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        calls = []
        for pid in pids:
            with contextlib.suppress(OSError):
                calls.append(pathlib.Path(f"/proc/{pid}/syscall").read_text().split()[0])
        if len(calls) == len(pids) and "running" not in calls:
            time.sleep(0.05)
            return
        time.sleep(0.01)
    raise AssertionError(f"still running: {pids}")


def records(*arguments, status=0):
    done = plumb("waits", "--json", *arguments)
    assert done.returncode == status, done
    return by_record(done.stdout)


class Chains(unittest.TestCase):
    def follows(self, links):
        with chain(*links) as pids:
            found = records(pids[0])
            way = [one for one in found["chain"] if [each["pid"] for each in one["way"]] == pids]
            self.assertEqual(len(way), 1, (links, pids, found["chain"]))
            self.assertEqual(way[0]["act"]["pid"], pids[-1])
            self.assertEqual(way[0]["end"], "sleeps")
            self.assertEqual([one["act"]["pid"] for one in found["chain"]], [pids[-1]], links)

    def test_five_links_in_every_order_of_a_rotation(self):
        for turn in range(len(LINKS)):
            self.follows(LINKS[turn:] + LINKS[:turn])

    def test_poll_select_and_epoll_instead_of_a_read(self):
        for how in ("poll", "select", "epoll"):
            self.follows([f"pipe:{how}", f"unix:{how}", f"tcp:{how}", "posix", "ofd"])

    def test_each_link_is_named_as_what_it_is(self):
        with chain(*LINKS) as pids:
            found = records(pids[0])
            parties = {one["pid"]: one["parties"][0] for one in found["wait"]}
            kinds = [parties[pid].get("kind") for pid in pids]
            self.assertEqual(kinds, ["pipe", "unix", "tcp", "file", None, None])
            self.assertEqual([parties[pid].get("via") for pid in pids],
                             ["other-end", "other-end", "other-end", "lock", "child", None])
            self.assertEqual([parties[pid]["party"] for pid in pids], ["process"] * 5 + ["timer"])
            sleeper = [one for one in found["wait"] if one["pid"] == pids[-1]][0]
            last = sleeper["parties"][0].get("remaining_seconds", sleeper.get("timeout_seconds"))
            self.assertTrue(0 < last <= 600, sleeper)

    def test_a_stopped_process_is_the_one_that_should_act(self):
        with chain("pipe", "unix") as pids:
            os.kill(pids[2], signal.SIGSTOP)
            time.sleep(0.1)
            self.assertEqual([one["end"] for one in records(pids[0])["chain"]], ["stopped"])
            os.kill(pids[2], signal.SIGCONT)

    def test_a_ring_is_a_finding(self):
        with chain("pipe", "tcp", "loop") as pids:
            found = records(pids[1], status=1)
            self.assertEqual([one["end"] for one in found["chain"]], ["locked"])


PYTHON_LOCK = """
import threading
first, second = threading.Lock(), threading.Lock()
taken = threading.Event()
def hold():
    with second:
        taken.set()
        first.acquire()
first.acquire()
threading.Thread(target=hold, daemon=True).start()
taken.wait()
print(flush=True)
second.acquire()
"""


class Futex(unittest.TestCase):
    def test_locks_of_python_that_two_threads_hold_from_each_other_are_futexes(self):
        with subprocess.Popen([sys.executable, "-c", PYTHON_LOCK], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            deadline = time.monotonic() + 20
            waits = []
            # They have a moment to come to their locks.
            while len(waits) < 2 and time.monotonic() < deadline:
                waits = [one for one in records(process.pid)["wait"] if one.get("call") == "futex"]
            text = plumb("waits", process.pid).stdout
            process.kill()
        self.assertEqual([one["parties"][0]["party"] for one in waits], ["futex", "futex"])
        self.assertEqual(waits[0]["tid"], process.pid)
        self.assertRegex(text, rf"^[^ ]*\({process.pid}\) in futex")


class Text(unittest.TestCase):
    def test_a_line_for_each_process_and_who_should_act(self):
        with chain(*LINKS) as pids:
            text = plumb("waits", pids[0]).stdout
            lines = text.splitlines()
            self.assertEqual(len(lines), len(pids) + 1, text)
            for line, pid in zip(lines, pids):
                self.assertIn(f"({pid})", line)
            self.assertRegex(lines[-1], rf"^→ [^ ]*\({pids[-1]}\) sleeps")

    def test_equal_chains_are_folded(self):
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(subprocess.Popen(["sleep", "600"]))
            stack.callback(server.kill)
            read, write = os.pipe()
            readers = [stack.enter_context(subprocess.Popen(["cat"], stdin=read, stdout=subprocess.DEVNULL))
                       for _ in range(5)]
            os.close(read)
            stack.callback(os.close, write)
            settle([reader.pid for reader in readers])
            text = plumb("waits", *(reader.pid for reader in readers)).stdout
            self.assertIn(f"5 × cat({readers[0].pid}) in read · pipe", text)
            self.assertIn(f"({os.getpid()})", text)

    def test_the_tree_names_what_a_group_polls(self):
        code = ("import os,select,sys\np=select.poll()\nspare=os.pipe()\np.register(0,1)\nprint(flush=True)\n"
                "p.poll()")
        with contextlib.ExitStack() as stack:
            parent = stack.enter_context(subprocess.Popen(
                [sys.executable, "-c", "import os,subprocess,sys\n"
                 "ps=[subprocess.Popen([sys.executable,'-c',%r],stdin=subprocess.PIPE,stdout=subprocess.PIPE)"
                 " for _ in range(3)]\n[p.stdout.readline() for p in ps]\nprint(flush=True)\nsys.stdin.read()" % code],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            stack.callback(parent.kill)
            parent.stdout.readline()
            time.sleep(0.3)
            text = plumb("tree", parent.pid).stdout
            self.assertRegex(text, rf"all in poll · pipe → [^ ]*\({parent.pid}\)")


class Dot(unittest.TestCase):
    def test_graphviz_reads_it(self):
        if shutil.which("dot") is None:
            self.fail("graphviz is not installed (tools/packages)")
        with chain(*LINKS) as pids:
            text = plumb("waits", "--dot", pids[0]).stdout
        for one, next_one in zip(pids, pids[1:]):
            self.assertIn(f"p{one} -> p{next_one}", text)
        drawn = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True)
        self.assertEqual(len(re.findall("^node ", drawn.stdout, re.MULTILINE)), len(pids))


class WholeMachine(unittest.TestCase):
    def test_it_prints_and_ends(self):
        with chain(*LINKS) as pids:
            done = plumb("waits")
            self.assertIn(done.returncode, (0, 1))
            self.assertIn(f"({pids[-1]})", done.stdout)


if __name__ == "__main__":
    main()
