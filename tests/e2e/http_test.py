#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb http on real sockets: each way of not ending named, both legs through a proxy, connections that were there
before, HTTP/2 and what cannot be read said, secrets masked, an archive that JSON tools read."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main  # noqa: E402  (after the path)
from http_capture import PLUMB, Capture, children, port_of, targets, wait_until_it_captures  # noqa: E402
import http_peers  # noqa: E402

GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
# What a server of our own answers to what request, whether it closes then, whether the client reads.
ENDINGS = {
    "unframed": (GET, OK + b"Content-Type: a\r\n\r\nbody", False, True),
    "short": (GET, OK + b"Content-Length: 100\r\n\r\nbody", False, True),
    "cut": (GET, OK + b"Content-Length: 100\r\n\r\nbody", True, True),
    "chunk": (GET, OK + b"Transfer-Encoding: chunked\r\n\r\n10\r\nabc", False, True),
    "announced": (GET, OK + b"Connection: close\r\n\r\nbody", False, True),
    "silent": (GET, b"", False, True),
    "half": (b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", b"", False, True),
    "unread": (GET, OK + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000, False, False),
    "stray": (GET, OK + b"Content-Length: 2\r\n\r\nokxxxx", False, True),
    "framed": (GET, OK + b"Content-Length: 2\r\n\r\nok", False, True),
}
ENDINGS_SERVER = """
import socket, sys, threading, time
def serve(listener, answer, close):
    connection = listener.accept()[0]
    connection.recv(65536)
    connection.sendall(answer)
    if close:
        connection.close()
    kept.append(connection)
kept = []
for answer, close in eval(sys.stdin.readline()):
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=serve, args=(listener, answer, close), daemon=True).start()
time.sleep(600)
"""


class Endings(unittest.TestCase):
    """A server of our own that does each thing wrong, and clients that wait: all in one capture."""

    @classmethod
    def setUpClass(cls):
        with subprocess.Popen([sys.executable, "-c", ENDINGS_SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as server, contextlib.ExitStack() as stack:
            stack.callback(server.kill)
            server.stdin.write(repr([(answer, close) for _, answer, close, _ in ENDINGS.values()]) + "\n")
            server.stdin.flush()
            cls.ports = {int(server.stdout.readline()): name for name in ENDINGS}
            readers, clients = [], []
            with Capture(os.getpid(), server.pid) as capture:
                for port, name in cls.ports.items():
                    request, answer, _, reads = ENDINGS[name]
                    client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                    client.sendall(request)
                    clients.append(client)
                    if not reads:
                        client.recv(64)
                        while len(client.recv(65536, socket.MSG_PEEK)) < len(answer) - 64:
                            time.sleep(0.01)
                        continue
                    readers.append(threading.Thread(
                        target=lambda one: list(iter(lambda: one.recv(4096), b"")), args=(client,)))
                    readers[-1].start()
                time.sleep(1.5)
                # The states are those of the end of the capture, so that comes before the connections' ends.
                capture.process.send_signal(signal.SIGINT)
                capture.process.wait(60)
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.shutdown(socket.SHUT_RDWR)
                for reader in readers:
                    reader.join()
        cls.status = capture.status
        cls.records = capture.records
        cls.connections = {}
        for one in capture.records["connection"]:
            cls.connections[one["connection"]] = one

    def found(self, name, role="client"):
        """The one exchange of that ending as its client, or its server, saw it."""
        port = next(port for port, known in self.ports.items() if known == name)
        end = "remote" if role == "client" else "local"
        exchanges = [one for one in self.records["exchange"]
                     if one["role"] == role and port_of(self.connections[one["connection"]][end]) == port]
        self.assertEqual(len(exchanges), 1, exchanges)
        return exchanges[0]

    def test_no_length_and_the_connection_is_kept(self):
        for role in ("client", "server"):
            found = self.found("unframed", role)
            self.assertEqual((found["state"], found["move"], found["stuck"]), ("unframed", "unframed", True))
        self.assertEqual(self.status, 1)

    def test_a_body_that_is_shorter_than_its_length(self):
        found = self.found("short")
        self.assertEqual((found["state"], found["missing"]), ("waits-for-length", 96))
        found = self.found("cut")
        self.assertEqual((found["state"], found["missing"]), ("cut", 96))

    def test_a_chunk_that_stops(self):
        self.assertEqual(self.found("chunk")["state"], "in-chunk")

    def test_a_close_that_was_announced(self):
        found = self.found("announced")
        self.assertEqual((found["state"], found["stuck"]), ("until-close", False))

    def test_a_response_that_never_begins(self):
        self.assertEqual(self.found("silent")["state"], "no-response")

    def test_a_request_that_is_never_finished(self):
        self.assertEqual(self.found("half", "server")["state"], "request-unfinished")

    def test_a_body_that_is_never_read(self):
        found = self.found("unread")
        self.assertEqual(found["state"], "unread")
        self.assertGreater(found["unread"], 4000)

    def test_bytes_after_the_end(self):
        connection = self.connections[self.found("stray", "server")["connection"]]
        self.assertEqual(connection["stray_server"], 4)

    def test_what_is_right_is_complete(self):
        for role in ("client", "server"):
            found = self.found("framed", role)
            self.assertEqual((found["state"], found["stuck"]), ("complete", False))


class Proxy(unittest.TestCase):
    def test_the_length_that_a_proxy_dropped(self):
        """The first of the mysteries: the origin sends a length, the proxy does not pass it on and keeps the
        connection."""
        origin = ("import socket,time\nl=socket.create_server(('127.0.0.1',0)); print(l.getsockname()[1],flush=True)\n"
                  "c=l.accept()[0]; c.recv(65536)\n"
                  "c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 26\\r\\n\\r\\n'+b'a'*26); time.sleep(600)")
        proxy = ("import socket,sys,time\nl=socket.create_server(('127.0.0.1',0)); print(l.getsockname()[1],flush=True)\n"
                 "c=l.accept()[0]; ask=c.recv(65536); u=socket.create_connection(('127.0.0.1',int(sys.argv[1])))\n"
                 "u.sendall(ask); got=u.recv(65536)\n"
                 "while len(got)<64: got+=u.recv(65536)\n"
                 "c.sendall(got.replace(b'Content-Length: 26\\r\\n',b'')); time.sleep(600)")
        with contextlib.ExitStack() as stack:
            far = stack.enter_context(subprocess.Popen([sys.executable, "-c", origin], stdout=subprocess.PIPE, text=True))
            stack.callback(far.kill)
            near = stack.enter_context(subprocess.Popen(
                [sys.executable, "-c", proxy, far.stdout.readline().strip()], stdout=subprocess.PIPE, text=True))
            stack.callback(near.kill)
            port = int(near.stdout.readline())
            with Capture(near.pid) as capture:
                client = stack.enter_context(subprocess.Popen(
                    ["curl", "-s", f"http://127.0.0.1:{port}/heartbeat"], stdout=subprocess.DEVNULL))
                stack.callback(client.kill)
                time.sleep(1.5)
            served = capture.of([near.pid], "server")
            self.assertEqual([one["state"] for one in served], ["unframed"])
            self.assertEqual(served[0]["differences"], [{"name": "content-length", "upstream": "26"}])
            self.assertEqual(capture.status, 1)
            text = subprocess.run([PLUMB, "http", str(near.pid), "--for", "1ms"], capture_output=True, text=True,
                                  check=False).stdout
            self.assertIn("exchanges on", text)


class Late(unittest.TestCase):
    def test_a_connection_that_was_there_before_is_joined(self):
        with tempfile.TemporaryDirectory() as name, http_peers.nginx(pathlib.Path(name)) as (nginx, port, _):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"GET /?early HTTP/1.1\r\nHost: h\r\n\r\n")
                client.recv(65536)
                with Capture(*children(nginx.pid)) as capture:
                    client.sendall(b"GET /?late HTTP/1.1\r\nHost: h\r\n\r\n")
                    client.recv(65536)
            self.assertEqual(targets(capture.records["exchange"]), ["/?late"])
            self.assertEqual([one["joined_late"] for one in capture.records["connection"]], [True])


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
# The content type of gRPC in a header block: as text, and in HPACK's code.
GRPC = {"text": bytes([0x5f, 16]) + b"application/grpc", "coded": bytes.fromhex("5f8b1d75d0620d263d4c4d6564")}


def frames(data):
    """The types of the frames that begin in these bytes; a connection's end counts as its last."""
    found = set() if data else {7}
    while len(data) >= 9:
        found.add(data[3])
        data = data[9 + int.from_bytes(data[:3], "big"):]
    return found


class Http2(unittest.TestCase):
    def test_http2_and_grpc_are_recognised_and_said(self):
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            nginx, port, _ = stack.enter_context(http_peers.nginx(pathlib.Path(name), http2=True))
            with Capture(*children(nginx.pid)) as capture:
                subprocess.run(["curl", "-s", "-o", "/dev/null", "--http2-prior-knowledge",
                                f"http://127.0.0.1:{port}/"], check=True)
                for content_type in GRPC.values():
                    block = bytes([0x83, 0x86, 0x44, 2]) + b"/s" + bytes([0x41, 1]) + b"h" + content_type
                    client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                    client.sendall(PREFACE)
                    client.sendall(len(block).to_bytes(3, "big") + bytes([1, 5, 0, 0, 0, 1]) + block)
                    # nginx answers the request, or ends the stream or the connection: HEADERS, RST_STREAM, GOAWAY.
                    while not {1, 3, 7} & frames(client.recv(65536)):
                        pass
            self.assertEqual(capture.records["exchange"], [])
            kinds = sorted((one["http2"], one["grpc"]) for one in capture.records["connection"])
            self.assertEqual(kinds, [(True, False), (True, True), (True, True)])


# Answers requests through io_uring: Linux's own calls, for Python has none.
IO_URING_SERVER = """
import ctypes, mmap, os, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
parameters = bytearray(120)
ring = libc.syscall(425, 8, (ctypes.c_char * 120).from_buffer(parameters))
assert ring >= 0, os.strerror(ctypes.get_errno())
field = lambda at: struct.unpack_from("I", parameters, at)[0]
queue = mmap.mmap(ring, field(64) + 4 * field(0), flags=mmap.MAP_SHARED)
entries = mmap.mmap(ring, 64 * field(0), flags=mmap.MAP_SHARED, offset=0x10000000)
handed_in = 0

def enter(count, complete):
    global handed_in
    handed_in += count
    struct.pack_into("I", queue, field(44), handed_in)
    done = libc.syscall(426, ring, count, complete, 1, None, 0)
    assert done == count, os.strerror(ctypes.get_errno())

def prepare(place, code, flags, how, fd, address, size, offset=0, group=0):
    at = (handed_in + place) % field(0)
    struct.pack_into("I", queue, field(64) + 4 * at, at)
    struct.pack_into("BBHiQQIIQHHIQQ", entries, 64 * at, code, flags, how, fd, offset, address, size, 0, 7, group, 0, 0, 0, 0)

SEND, RECEIVE, PROVIDE, SEND_ZERO_COPY = 26, 27, 31, 47
QUIET, LINKED, SELECT, MULTISHOT = 64, 4, 32, 2
what = sys.argv[1]
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
connection = listener.accept()[0]
whole = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"
answer = ctypes.create_string_buffer(whole)
send = lambda place, code, flags, size=len(whole): prepare(
    place, code, flags, 0, connection.fileno(), ctypes.addressof(answer), size)
if what == "multishot":
    buffers = ctypes.create_string_buffer(4 * 4096)
    prepare(0, PROVIDE, 0, 0, 4, ctypes.addressof(buffers), 4096)
    prepare(1, RECEIVE, SELECT, MULTISHOT, connection.fileno(), 0, 0)
    enter(2, 2)
    connection.sendall(whole)
    enter(0, 3)  # the second request comes when the receive has long been waiting
    connection.sendall(whole)
else:
    connection.recv(65536)
    if what == "chain":
        send(0, SEND, QUIET | LINKED, 10)
        prepare(1, SEND, QUIET, 0, connection.fileno(), ctypes.addressof(answer) + 10, len(whole) - 10)
        enter(2, 0)
    else:
        send(0, SEND_ZERO_COPY if what == "zero-copy" else SEND, QUIET if what == "quiet" else 0)
        enter(1, 0 if what == "quiet" else 1)
print("answered", flush=True)
time.sleep(600)
"""


class IoUring(unittest.TestCase):
    def served(self, what, requests=1):
        with subprocess.Popen([sys.executable, "-c", IO_URING_SERVER, what], stdout=subprocess.PIPE,
                              text=True) as server:
            port = int(server.stdout.readline())
            with Capture(server.pid) as capture, socket.create_connection(("127.0.0.1", port)) as client:
                for _ in range(requests):
                    client.sendall(GET)
                    answer = b""
                    while not answer.endswith(b"ok"):
                        answer += client.recv(4096)
                self.assertEqual(server.stdout.readline(), "answered\n")
                time.sleep(1.2)
                capture.process.send_signal(signal.SIGINT)
                capture.process.wait(60)
            server.kill()
        exchanges = capture.records["exchange"]
        self.assertEqual([one["request"]["target"] for one in exchanges], requests * ["/x"])
        return exchanges, capture.records["capture"][0]

    def test_what_a_ring_moves_is_read(self):
        # As it completes; at once; with a second completion for the memory; again and again by one request.
        for what, requests in (("send", 1), ("quiet", 1), ("zero-copy", 1), ("multishot", 2)):
            with self.subTest(what):
                exchanges, capture = self.served(what, requests)
                found = [(one["state"], one["response"]["status"]) for one in exchanges]
                self.assertEqual(found, requests * [("complete", 200)])
                self.assertEqual((capture["losses"]["unreadable"], capture["blinds"]), (0, []))

    def test_what_completes_without_a_word_in_a_chain_is_unknown(self):
        exchanges, capture = self.served("chain")
        self.assertEqual([(one["state"], one["stuck"]) for one in exchanges], [("unknown", False)])
        self.assertEqual(capture["losses"]["unreadable"], 2)
        self.assertTrue(any("io_uring" in one for one in capture["blinds"]))


class Output(unittest.TestCase):
    def test_secrets_are_masked_unless_asked_for_and_the_archive_is_json(self):
        with tempfile.TemporaryDirectory() as name, http_peers.nginx(pathlib.Path(name)) as (nginx, port, _):
            for options, shown in (((), False), (("--secrets",), True)):
                archive = pathlib.Path(name, "out.har")
                with Capture(*children(nginx.pid), options=[*options, "--har", str(archive)]) as capture:
                    subprocess.run(["curl", "-s", "-o", "/dev/null", "-H", "Authorization: Bearer hunter2",
                                    "-b", "session=hunter2", f"http://127.0.0.1:{port}/?token=hunter2&a=b"], check=True)
                self.assertEqual("hunter2" in "".join(capture.lines), shown)
                text = archive.read_text()
                self.assertEqual("hunter2" in text, shown)
                entries = json.loads(text)["log"]["entries"]
                self.assertEqual(len(entries), 1)
                self.assertEqual(entries[0]["response"]["status"], 200)
                self.assertEqual(archive.stat().st_mode & 0o077, 0)

    def test_hostile_heads_stay_one_line(self):
        with tempfile.TemporaryDirectory() as name, http_peers.nginx(pathlib.Path(name)) as (nginx, port, _):
            with subprocess.Popen([PLUMB, "http", *map(str, children(nginx.pid))], stdout=subprocess.PIPE,
                                  text=True) as plumb:
                wait_until_it_captures(plumb)
                for target in (b"/\x1b[2J\xff", b"/" + b"a" * 6000):
                    with socket.create_connection(("127.0.0.1", port)) as client:
                        client.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: \x1b]0;x\x07\r\n\r\n")
                        client.recv(4096)
                time.sleep(0.3)
                plumb.send_signal(signal.SIGINT)
                text = plumb.stdout.read()
            self.assertNotIn("\x1b", text)
            self.assertIn("GET", text)


if __name__ == "__main__":
    main()
