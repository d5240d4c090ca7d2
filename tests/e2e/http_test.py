#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb http on real programs: every exchange of a scripted session found and none invented, each way of not
ending named, both legs through a proxy, secrets masked, an archive that JSON tools read."""
import collections
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
from scripted import main, program  # noqa: E402  (after the path)
import http_peers  # noqa: E402

PLUMB = program("plumb")


def wait_until_it_captures(process):
    """Its signal descriptor is made after the programs are attached, before the processes are followed."""
    folder = f"/proc/{process.pid}/fd"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if any("signalfd" in os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)):
                time.sleep(0.2)
                return
        time.sleep(0.02)
    raise AssertionError("plumb http does not begin")


class Capture:
    """plumb http over these processes, from `with` to its end; then `records` by their names."""

    def __init__(self, *selectors, options=()):
        self.command = [PLUMB, "http", "--json", *options, *map(str, selectors)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self.reader.start()
        wait_until_it_captures(self.process)
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.process.send_signal(signal.SIGINT)
        self.reader.join()
        self.status = self.process.wait(30)
        self.said = self.process.stderr.read()
        self.process.stderr.close()
        self.process.stdout.close()
        self.records = collections.defaultdict(list)
        for line in self.lines:
            row = json.loads(line)
            self.records[row["record"]].append(row)

    def of(self, pids, role):
        return [one for one in self.records["exchange"] if one["pid"] in pids and one["role"] == role]


def children(pid):
    return [pid, *map(int, subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True,
                                          check=False).stdout.split())]


def targets(exchanges):
    """Their targets without scheme and authority, sorted."""
    return sorted("/" + one["request"]["target"].split("//", 1)[-1].split("/", 1)[1] for one in exchanges)


class Session(unittest.TestCase):
    def test_two_hundred_exchanges_of_real_programs(self):
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            folder = pathlib.Path(name)
            nginx, nginx_port, nginx_log = stack.enter_context(http_peers.nginx(folder))
            node, node_port, node_log = stack.enter_context(http_peers.node(folder))
            go, go_port, go_log = stack.enter_context(http_peers.go(folder))
            proxy, proxy_port = stack.enter_context(http_peers.haproxy(folder, nginx_port))
            client = http_peers.build_go(folder, "goclient", http_peers.GO_CLIENT)
            before = nginx_log.read_text().splitlines()
            servers = {"nginx": children(nginx.pid), "node": [node.pid], "go": [go.pid], "haproxy": [proxy.pid]}
            everyone = [os.getpid(), *(pid for pids in servers.values() for pid in pids)]
            with Capture(*everyone) as capture:
                for n in range(40):
                    subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{nginx_port}/?curl={n}"],
                                   check=True)
                subprocess.run(["curl", "-s", *(word for n in range(20) for word in (
                    "-o", "/dev/null", f"http://127.0.0.1:{node_port}/chunked?keep={n}"))], check=True)
                subprocess.run(["/usr/bin/python3", "-c", http_peers.REQUESTS_CLIENT,
                                f"http://127.0.0.1:{go_port}/?requests=%d", "0", "40"], check=True)
                script = folder / "client.js"
                script.write_text(http_peers.NODE_CLIENT)
                subprocess.run(["node", script, f"http://127.0.0.1:{go_port}/?node=%d", "0", "40"], check=True)
                subprocess.run([client, f"http://127.0.0.1:{proxy_port}/?go=%d", "0", "40"], check=True)
                subprocess.run([client, f"http://127.0.0.1:{node_port}/?go=%d", "0", "15"], check=True)
                for n in range(5):
                    subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{nginx_port}/big?n={n}"],
                                   check=True)
            asked = {
                "nginx": nginx_log.read_text().splitlines()[len(before):],
                "node": node_log.read_text().splitlines(),
                "go": go_log.read_text().splitlines(),
            }
            self.assertEqual(sum(map(len, asked.values())), 200)
            for server, log in asked.items():
                with self.subTest(server=server):
                    self.assertEqual(targets(capture.of(servers[server], "server")), sorted(log))
            via = [line for line in asked["nginx"] if "go=" in line]
            self.assertEqual(targets(capture.of(servers["haproxy"], "server")), sorted(via))
            self.assertEqual(targets(capture.of(servers["haproxy"], "client")), sorted(via))
            legs = [one for one in capture.of(servers["haproxy"], "server") if "upstream" in one]
            self.assertEqual(len(legs), len(via))
            ours = set().union(*servers.values())
            asking = [one for one in capture.records["exchange"]
                      if one["role"] == "client" and one["pid"] not in ours]
            self.assertEqual(len(asking), 200, collections.Counter(one["process"] for one in asking))
            states = collections.Counter(one["state"] for one in capture.records["exchange"])
            self.assertEqual(set(states), {"complete"}, states)
            for one in capture.records["exchange"]:
                self.assertEqual(one["response"]["status"], 200)
                if "/big" in one["request"]["target"]:
                    self.assertEqual(one["response"]["content"], 300_000, one)
            self.assertEqual(capture.records["capture"][0]["losses"]["events"], 0)
            self.assertEqual(capture.status, 0, capture.said)


class Endings(unittest.TestCase):
    """A server of our own that does each thing wrong, and a client that waits."""

    def state_of(self, answer, role="client", request=b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", read=True, close=False):
        code = ("import socket,sys,time\n"
                "l=socket.create_server(('127.0.0.1',0)); print(l.getsockname()[1],flush=True)\n"
                "c=l.accept()[0]; c.recv(65536); c.sendall(%r)\n"
                "%s\ntime.sleep(600)" % (answer, "c.close()" if close else ""))
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
            port = int(server.stdout.readline())
            with Capture(os.getpid(), server.pid) as capture, socket.socket() as client:
                client.connect(("127.0.0.1", port))
                client.sendall(request)
                time.sleep(0.2)
                reader = threading.Thread(target=lambda: list(iter(lambda: client.recv(4096), b"")))
                if read:
                    reader.start()
                else:
                    client.recv(64)
                time.sleep(1.2)
                # The state is that of the end of the capture, so that comes before the connection's end.
                capture.process.send_signal(signal.SIGINT)
                capture.process.wait(30)
                client.shutdown(socket.SHUT_RDWR)
                if read:
                    reader.join()
            server.kill()
        found = [one for one in capture.records["exchange"]
                 if one["role"] == role and one["pid"] in (os.getpid(), server.pid)]
        self.assertEqual(len(found), 1, capture.records)
        return found[0], capture.status

    def test_no_length_and_the_connection_is_kept(self):
        found, status = self.state_of(b"HTTP/1.1 200 OK\r\nContent-Type: a\r\n\r\nbody")
        self.assertEqual((found["state"], found["move"], found["stuck"], status), ("unframed", "unframed", True, 1))

    def test_a_body_that_is_shorter_than_its_length(self):
        found, _ = self.state_of(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbody")
        self.assertEqual((found["state"], found["missing"]), ("waits-for-length", 96))
        found, _ = self.state_of(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbody", close=True)
        self.assertEqual((found["state"], found["missing"]), ("cut", 96))

    def test_a_chunk_that_stops(self):
        found, _ = self.state_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc")
        self.assertEqual(found["state"], "in-chunk")

    def test_a_close_that_was_announced(self):
        found, status = self.state_of(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody")
        self.assertEqual((found["state"], status), ("until-close", 0))

    def test_a_response_that_never_begins(self):
        self.assertEqual(self.state_of(b"")[0]["state"], "no-response")

    def test_a_request_that_is_never_finished(self):
        found, _ = self.state_of(b"", "server", b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")
        self.assertEqual(found["state"], "request-unfinished")

    def test_a_body_that_is_never_read(self):
        found, _ = self.state_of(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000, read=False)
        self.assertEqual(found["state"], "unread")
        self.assertGreater(found["unread"], 4000)

    def test_bytes_after_the_end(self):
        code = ("import socket,sys,time\nl=socket.create_server(('127.0.0.1',0)); print(l.getsockname()[1],flush=True)\n"
                "c=l.accept()[0]; c.recv(65536)\n"
                "c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nokxxxx'); time.sleep(600)")
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
            port = int(server.stdout.readline())
            with Capture(server.pid) as capture, socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                client.recv(4096)
            server.kill()
        self.assertEqual([one["stray_server"] for one in capture.records["connection"]], [4])


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


NODE_TLS = """
const https = require('https'), fs = require('fs'), folder = process.argv[1];
const server = https.createServer({key: fs.readFileSync(folder + '/key.pem'), cert: fs.readFileSync(folder + '/cert.pem')},
  (request, response) => response.end('node')).listen(0, '127.0.0.1', () => console.log(server.address().port));
"""
PYTHON_TLS = """
import ssl, sys, urllib.request
context = ssl._create_unverified_context()
assert urllib.request.urlopen(sys.argv[1], context=context).status == 200
"""


class Tls(unittest.TestCase):
    def test_openssl_and_gnutls_in_the_clear(self):
        with tempfile.TemporaryDirectory() as name, http_peers.nginx(pathlib.Path(name), tls=True) as (nginx, port, log):
            url = f"https://127.0.0.1:{port}/"
            # Debian's node has OpenSSL as a library, that of its makers in itself; both decrypt by themselves.
            node = subprocess.Popen(["node", "-e", NODE_TLS, name], stdout=subprocess.PIPE, text=True)
            node_port = int(node.stdout.readline())
            found = {}
            with node:
                # The servers have their libraries; the clients of the second round are children that will have them.
                for role, chosen in (("server", [node.pid, *children(nginx.pid)]), ("client", [os.getpid()])):
                    with Capture(*chosen) as found[role]:
                        self.ask(url, node_port)
                node.kill()
            asked = ["/?curl", "/?node", "/?python", "/?wget"]
            self.assertEqual(sorted(log.read_text().splitlines()), sorted(2 * [one for one in asked if one != "/?node"]))
            for role, capture in found.items():
                with self.subTest(role=role):
                    self.assertEqual(targets(capture.records["exchange"]), asked)
                    self.assertEqual({one["role"] for one in capture.records["exchange"]}, {role})
                    self.assertEqual({one["state"] for one in capture.records["exchange"]}, {"complete"})
                    self.assertTrue(all(one["tls"] for one in capture.records["connection"]))

    def ask(self, url, node_port):
        subprocess.run(["curl", "-sk", "-o", "/dev/null", url + "?curl"], check=True)
        subprocess.run(["wget", "-q", "--no-check-certificate", "-O", "/dev/null", url + "?wget"], check=True)
        subprocess.run(["/usr/bin/python3", "-c", PYTHON_TLS, url + "?python"], check=True)
        subprocess.run(["curl", "-sk", "--http1.1", "-o", "/dev/null", f"https://127.0.0.1:{node_port}/?node"], check=True)
        time.sleep(0.3)


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
