#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of the tutorial do what it says, and leave nothing behind."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, run  # noqa: E402  (after the path)

EXAMPLES = pathlib.Path(os.environ["PLUMB_EXAMPLES"])


@contextlib.contextmanager
def server(name, *arguments):
    """Starts an example; yields (process, where it listens); ends it and checks how it ended."""
    process = subprocess.Popen([EXAMPLES / name, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process, process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        process.said = process.communicate(timeout=30)[0]
        if process.returncode != 0:
            raise AssertionError(f"{name} ended with {process.returncode}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def descriptors(process):
    return sorted(int(number) for number in os.listdir(f"/proc/{process.pid}/fd"))


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)


def join(path):
    member = socket.socket(socket.AF_UNIX)
    member.settimeout(10)
    member.connect(path)
    return member


class Examples(unittest.TestCase):
    def test_a_million_frames_and_the_listener_is_still_there(self):
        with server("echo_server") as (process, address):
            at_start = descriptors(process)
            said = run(EXAMPLES / "echo_stress", address, "10000", "100", "250")
            self.assertEqual(said, "10000 connections, 1000000 frames echoed, 0 wrong, 0 lost\n")
            with connect(address) as newcomer:
                newcomer.sendall(b"\0\0\0\5hello")
                self.assertEqual(newcomer.recv(9, socket.MSG_WAITALL), b"\0\0\0\5hello")
                newcomer.shutdown(socket.SHUT_WR)
                self.assertEqual(newcomer.recv(1), b"")
            self.assertEqual(descriptors(process), at_start)
        self.assertEqual(process.said, "1000001 frames\n")

    def test_a_frame_beyond_the_bound_ends_its_connection_only(self):
        with server("echo_server") as (_, address):
            with connect(address) as hostile, connect(address) as other:
                hostile.sendall(b"\xff\xff\xff\xff")
                self.assertEqual(hostile.recv(1), b"")
                other.sendall(b"\0\0\0\2ok")
                self.assertEqual(other.recv(6, socket.MSG_WAITALL), b"\0\0\0\2ok")

    def test_the_stress_client_says_what_failed(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            address = "127.0.0.1:%d" % closed.getsockname()[1]
        done = subprocess.run([EXAMPLES / "echo_stress", address, "1", "1", "1"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Connection refused", done.stderr)

    def test_all_others_hear_a_line_and_a_deaf_member_is_dismissed(self):
        folder = tempfile.mkdtemp(prefix="plumb-chat-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "room")
        with server("chat", path) as (process, _):
            at_start = descriptors(process)
            with join(path) as ann, join(path) as bob, join(path) as deaf:
                ann.sendall(b"hello\n")
                self.assertEqual(bob.recv(6, socket.MSG_WAITALL), b"hello\n")
                self.assertEqual(deaf.recv(6, socket.MSG_WAITALL), b"hello\n")
                line = b"x" * 900 + b"\n"
                for _ in range(3000):  # 2.7 MB: beyond every buffer between the room and the deaf
                    ann.sendall(line)
                    self.assertEqual(bob.recv(len(line), socket.MSG_WAITALL), line)
                with self.assertRaises(OSError):
                    while True:
                        deaf.sendall(b"am I still here?\n")
            self.assertTrue(os.path.exists(path))
            with join(path) as late, join(path) as later:
                late.sendall(b"anybody?\n")
                self.assertEqual(later.recv(9, socket.MSG_WAITALL), b"anybody?\n")
            self.assertLessEqual(len(descriptors(process)), len(at_start) + 2)  # their FINs are on the way
        self.assertFalse(os.path.exists(path))

    def test_tls_is_verified_and_echoes(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="plumb-tls-"))
        self.addCleanup(shutil.rmtree, folder)
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost")
        with server("tls_echo", certificate, key) as (_, address):
            trusting = ssl.create_default_context(cafile=certificate)
            with trusting.wrap_socket(connect(address), server_hostname="localhost") as client:
                client.sendall(b"in private\n")
                self.assertEqual(client.recv(11), b"in private\n")
            with self.assertRaises(ssl.SSLCertVerificationError):
                with ssl.create_default_context().wrap_socket(connect(address), server_hostname="localhost"):
                    pass

    def test_a_service_says_what_it_holds_and_from_which_line(self):
        with server("what_it_holds") as (process, address):
            at_start = self.ledger(process)
            self.assertNotIn("session", at_start)
            with connect(address) as client:
                client.sendall(b"hello")
                self.assertEqual(client.recv(5, socket.MSG_WAITALL), b"hello")
                held = self.ledger(process)
                for kind in ("tcp", "session", "task", "listener", "signalfd", "epoll", "eventfd"):
                    self.assertRegex(held.get(kind, ""), r"examples/what_it_holds\.cc:\d+", kind)
                process.send_signal(signal.SIGUSR2)
                lines = [process.stdout.readline()]
                while not lines[-1].startswith("process_virtual_memory_bytes "):
                    lines.append(process.stdout.readline())
                self.assertIn("echo_pieces_total 1\n", lines)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(1), b"")
            self.assertEqual(set(self.ledger(process)), set(at_start))

    def ledger(self, process):
        """kind -> row, of the ledger that SIGUSR1 makes the process print."""
        process.send_signal(signal.SIGUSR1)
        count = int(process.stdout.readline().split(" lines")[0].split()[-1])
        process.stdout.readline()
        rows = [process.stdout.readline() for _ in range(count)]
        return {row.split()[1]: row for row in rows}


if __name__ == "__main__":
    main()
