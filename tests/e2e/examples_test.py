#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of the tutorial do what it says, and leave nothing behind."""
import contextlib
import http.server
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

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
    def test_the_service_keeps_notes_and_says_what_it_holds(self):
        with server("json_service") as (process, address):
            admin = process.stdout.readline().strip()

            def ask(where, method="GET", body=None):
                request = urllib.request.Request(f"http://{where}", data=body, method=method)
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with opener.open(request, timeout=10) as reply:
                    return reply.read().decode()

            ask(f"{address}/notes/one", "PUT", b'a "note"')
            self.assertEqual(ask(f"{address}/notes"), '["one"]\n')
            self.assertEqual(ask(f"{address}/notes/one"), '{"text":"a \\"note\\""}\n')
            ask(f"{address}/notes/one", "DELETE")
            with self.assertRaises(urllib.error.HTTPError) as missing:
                ask(f"{address}/notes/one")
            self.assertEqual(missing.exception.code, 404)
            missing.exception.close()
            metrics = ask(f"{admin}/metrics")
            for line in ('plumb_http_server_responses_total{class="4xx",server="notes"} 1',
                         'plumb_job_period_seconds{job="check images"} 3180',
                         'plumb_job_period_seconds{job="count notes"} 3540',
                         'plumb_job_period_seconds{job="rotate keys"} 4020',
                         'plumb_job_period_seconds{job="send digest"} 2820'):
                self.assertIn(line + "\n", metrics)
            self.assertIn("process_open_fds ", metrics)
            ledger = ask(f"{admin}/debug/ledger")
            for kind in ("listener", "timer", "task"):
                self.assertIn(kind, ledger)

    def test_the_crawler_leaves_bodies_unread_and_loses_no_connection(self):
        pages = {"/": '<a href="a.html">a</a> <a href="b/">b</a> <a href="large.bin">c</a>',
                 "/a.html": '<a href="/">back</a> <a href="none.html">gone</a>',
                 "/b/": '<a href="../a.html">a</a> <a href="http://elsewhere.invalid/">far</a>'}

        class Site(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                large = self.path == "/large.bin"
                body = b"x" * 5_000_000 if large else pages.get(self.path, "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "application/octet-stream" if large else "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # the crawler does not want all of it
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
            threading.Thread(target=site.serve_forever, daemon=True).start()
            said = run(EXAMPLES / "crawler", f"http://127.0.0.1:{site.server_port}/", "100", "4",
                       env=os.environ | {"no_proxy": "*"})
            site.shutdown()
        first, second, third = said.splitlines()
        self.assertEqual(first, "4 pages, 7 links, 1 left unread, 1 failed")
        self.assertEqual(second, "0 leased, 0 draining")
        self.assertRegex(third, r"^crawler\.cc:\d+ .*: 5 requests$")


if __name__ == "__main__":
    main()
