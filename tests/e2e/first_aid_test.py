#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""First aid: plumb relieve and plumb hangup do what they say, when they may, to whom they mean."""
import os
import pathlib
import pty
import resource
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

PLUMB = program("plumb")


def plumb(*arguments):
    done = subprocess.run([PLUMB, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    return done.returncode, done.stdout


def at_a_terminal(answer, *arguments):
    """(status, text) of plumb where somebody answers its question."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PLUMB, [str(PLUMB), *map(str, arguments)])
    said = b""
    answered = False
    while True:
        try:
            said += os.read(terminal, 4096)
        except OSError:  # the other side has closed
            break
        if b"[y/N]" in said and not answered:
            os.write(terminal, answer.encode() + b"\n")
            answered = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()


class Victim(unittest.TestCase):
    def start(self, *command, **options):
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options)
        self.addCleanup(running.stdout.close)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        return running


class Relieve(Victim):
    def setUp(self):
        self.victim = self.start("prlimit", "--nofile=64:", "sleep", "100")  # its hard limit stays

    def limit(self):
        return resource.prlimit(self.victim.pid, resource.RLIMIT_NOFILE)[0]

    def test_with_yes_the_limit_is_raised(self):
        status, said = plumb("relieve", self.victim.pid, "--nofile", 256, "--yes")
        self.assertEqual((status, self.limit()), (0, 256), said)
        self.assertIn("may have 64 descriptors", said)

    def test_nothing_is_done_without_a_terminal_and_without_yes(self):
        status, said = plumb("relieve", self.victim.pid, "--nofile", 256)
        self.assertEqual((status, self.limit()), (2, 64), said)
        self.assertIn("--yes", said)

    def test_at_a_terminal_it_asks(self):
        self.assertEqual(at_a_terminal("n", "relieve", self.victim.pid, "--nofile", 256)[0], 0)
        self.assertEqual(self.limit(), 64)
        status, said = at_a_terminal("y", "relieve", self.victim.pid, "--nofile", 256)
        self.assertEqual((status, self.limit()), (0, 256), said)

    def test_it_never_lowers_and_names_the_highest(self):
        self.assertEqual(plumb("relieve", self.victim.pid, "--nofile", 60, "--yes")[0], 2)
        status, said = plumb("relieve", self.victim.pid, "--nofile", 1 << 40, "--yes")
        self.assertEqual((status, self.limit()), (3, 64), said)
        self.assertIn("fs.nr_open", said)

    def test_a_process_that_is_not_there(self):
        self.assertEqual(plumb("relieve", 1 << 30, "--nofile", 256, "--yes")[0], 2)


class Hangup(Victim):
    def test_one_connection_reads_its_end(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            client = self.start("bash", "-c", f"exec 5<>/dev/tcp/127.0.0.1/{port}; echo there; read -r -u 5 line; echo end")
            with listener.accept()[0] as server:
                self.assertEqual(client.stdout.readline(), "there\n")
                status, said = plumb("hangup", client.pid, 5, "--yes")
                self.assertEqual(status, 0, said)
                self.assertIn(f":{port}", said)
                self.assertEqual(client.stdout.readline(), "end\n")
                self.assertEqual(server.recv(1), b"")

    def test_a_unix_socket_on_which_nothing_moves(self):
        here, there = socket.socketpair()
        with here, there:
            script = f"exec 5<&{there.fileno()}; echo there; read -r -u 5 line; echo end"
            client = self.start("bash", "-c", script, pass_fds=[there.fileno()])
            there.close()
            self.assertEqual(client.stdout.readline(), "there\n")
            deadline = time.monotonic() + 30
            said = ""
            while client.poll() is None and time.monotonic() < deadline:  # it may just have begun to wait
                said += plumb("hangup", client.pid, "--peer", os.getpid(), "--older", "500ms", "--yes")[1]
            self.assertIn("Hung up: 1", said)
            self.assertEqual(client.stdout.readline(), "end\n")

    def test_what_is_no_connection_is_left_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            for fd, why in ((listener.fileno(), "listener"), (9999, "no descriptor")):
                status, said = plumb("hangup", os.getpid(), fd, "--yes")
                self.assertEqual(status, 2, said)
                self.assertIn(why, said)
            # Still a listener.
            socket.create_connection(listener.getsockname()).close()
        read, write = os.pipe()
        self.assertEqual(plumb("hangup", os.getpid(), read, "--yes")[0], 2)
        os.close(read)
        os.close(write)

    def test_a_wrong_command_line(self):
        for arguments in (("1",), ("1", "2", "--peer", ":80", "--older", "1s"), ("--peer", ":80"),
                          ("1", "2", "--older", "1s"), ("--peer", ":80", "--older", "7")):
            with self.subTest(arguments=arguments):
                self.assertEqual(plumb("hangup", *arguments, "--yes")[0], 2)

    def test_the_descriptor_is_another_one_when_the_answer_comes(self):
        """The number is taken by another connection between the question and the answer."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            seen = socket.create_connection(listener.getsockname())
            number = seen.fileno()
            terminal_pid, terminal = pty.fork()
            if terminal_pid == 0:
                os.execv(PLUMB, [str(PLUMB), "hangup", str(os.getppid()), str(number)])
            said = b""
            while b"[y/N]" not in said:
                said += os.read(terminal, 4096)
            other = socket.create_connection(listener.getsockname())
            os.dup2(other.fileno(), number)
            os.write(terminal, b"y\n")
            try:
                while piece := os.read(terminal, 4096):
                    said += piece
            except OSError:
                pass
            os.close(terminal)
            status = os.waitstatus_to_exitcode(os.waitpid(terminal_pid, 0)[1])
            self.assertEqual(status, 3, said)
            self.assertIn(b"replaced meanwhile: 1", said)
            other.send(b"still a connection")
            other.close()
            seen.close()

    def test_after_it_the_children_behind_the_proxy_end(self):
        environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        with tempfile.TemporaryDirectory(prefix="plumb-aid-") as state:
            try:
                subprocess.run([ROOT / "cases/proxy/run", state], check=True, timeout=60, env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                editor = int((pathlib.Path(state) / "victim").read_text())
                children = self.waited_for_children(editor, 3)
                time.sleep(1.5)  # so that they have been quiet for a second
                status, said = plumb("hangup", editor, "--peer", "proxy", "--older", "1s", "--yes")
                self.assertEqual(status, 0, said)
                deadline = time.monotonic() + 20
                while children & self.children_of(editor) and time.monotonic() < deadline:
                    time.sleep(0.1)
                self.assertEqual(children & self.children_of(editor), set(), said)
            finally:
                subprocess.run([ROOT / "cases/stop", state], check=False, timeout=20)

    @staticmethod
    def children_of(pid):
        return set(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def waited_for_children(self, pid, count):
        deadline = time.monotonic() + 30
        while len(self.children_of(pid)) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        children = self.children_of(pid)
        self.assertGreaterEqual(len(children), count)
        return children


if __name__ == "__main__":
    main()
