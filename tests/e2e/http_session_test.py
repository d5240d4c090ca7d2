#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb http on sessions of real programs: every exchange found and none invented, in the clear and inside of TLS,
compared with the servers' logs and with tshark; and one stall under full load."""
import collections
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main  # noqa: E402  (after the path)
from http_capture import Capture, children, port_of, targets  # noqa: E402
import http_peers  # noqa: E402


class Wire:
    """tshark on the loopback device: what passed over these ports, from `with` to its end."""

    def __init__(self, folder, *ports):
        self.file, self.ports = folder / "wire.pcapng", ports

    def __enter__(self):
        self.process = subprocess.Popen(
            ["tshark", "-q", "-i", "lo", "-B", "64", "-w", self.file, "-f",
             " or ".join(f"tcp port {port}" for port in self.ports)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "Capturing on" in line:
                break
        self.drain = threading.Thread(target=self.process.stderr.read)
        self.drain.start()
        # It says so a little before it is true: a probe of its own must appear.
        self.await_probe("wire-begins")
        return self

    def await_probe(self, word):
        deadline = time.monotonic() + 30
        while word.encode() not in (self.file.read_bytes() if self.file.exists() else b""):
            assert time.monotonic() < deadline, "tshark does not see the probe"
            subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{self.ports[0]}/?{word}"], check=True)
            time.sleep(0.2)

    def __exit__(self, *_):
        self.await_probe("wire-ends")
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.drain.join()
        self.process.stderr.close()

    def messages(self):
        """Requests as (port, method, target) and responses as (port, status)."""
        fields = ("tcp.srcport", "tcp.dstport", "http.request.method", "http.request.uri", "http.response.code")
        said = subprocess.run(
            ["tshark", "-r", self.file, "-Y", "http", "-T", "fields", *(f"-e{field}" for field in fields),
             *(f"-dtcp.port=={port},http" for port in self.ports)], capture_output=True, text=True, check=True).stdout
        requests, responses = collections.Counter(), collections.Counter()
        for line in said.splitlines():
            source, destination, method, target, status = (line.split("\t") + 5 * [""])[:5]
            if method and "wire-" not in target:
                requests[int(destination), method, target] += 1
            elif status:
                responses[int(source), int(status)] += 1
        return requests, responses


def probes(pid):
    """How many probes that process has set."""
    found = 0
    for one in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found += "perf_event" in os.readlink(one)
    return found


def wait_for_probes(pid, before):
    """Until it has set more than that, and no more for two seconds."""
    deadline = time.monotonic() + 60
    last, since = before, time.monotonic()
    while last == before or time.monotonic() - since < 2:
        assert time.monotonic() < deadline, "no probes are set"
        time.sleep(0.05)
        if (now := probes(pid)) != last:
            last, since = now, time.monotonic()


class Session(unittest.TestCase):
    def test_two_hundred_exchanges_of_real_programs(self):
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            folder = pathlib.Path(name)
            nginx, nginx_port, nginx_log = stack.enter_context(http_peers.nginx(folder))
            node, node_port, node_log = stack.enter_context(http_peers.node(folder))
            go, go_port, go_log = stack.enter_context(http_peers.go(folder))
            proxy, proxy_port = stack.enter_context(http_peers.haproxy(folder, nginx_port))
            squid, squid_port = stack.enter_context(http_peers.squid(folder))
            client = http_peers.build_go(folder, "goclient", http_peers.GO_CLIENT)
            servers = {"nginx": children(nginx.pid), "node": [node.pid], "go": [go.pid], "haproxy": [proxy.pid],
                       "squid": children(squid.pid)}
            everyone = [os.getpid(), *(pid for pids in servers.values() for pid in pids)]
            with Wire(folder, nginx_port, node_port, go_port, proxy_port, squid_port) as wire:
                before = nginx_log.read_text().splitlines()
                with Capture(*everyone) as capture:
                    self.ask(folder, client, nginx_port, node_port, go_port, proxy_port, squid_port)
                asked = {
                    "nginx": nginx_log.read_text().splitlines()[len(before):],
                    "node": node_log.read_text().splitlines(),
                    "go": go_log.read_text().splitlines(),
                }
            self.assertEqual(sum(map(len, asked.values())), 200)
            for server, log in asked.items():
                with self.subTest(server=server):
                    self.assertEqual(targets(capture.of(servers[server], "server")), sorted(log))
            for through, word in (("haproxy", "?go="), ("squid", "?squid=")):
                with self.subTest(through=through):
                    via = sorted(line for line in asked["nginx"] if word in line)
                    served = capture.of(servers[through], "server")
                    self.assertEqual(targets(served), via)
                    self.assertEqual(targets(capture.of(servers[through], "client")), via)
                    self.assertEqual([one for one in served if "upstream" not in one], [])
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
            self.compare(capture, wire)

    def ask(self, folder, client, nginx_port, node_port, go_port, proxy_port, squid_port):
        """200 exchanges by five kinds of clients, 60 of them through a proxy."""
        nginx, node, go = (f"http://127.0.0.1:{port}" for port in (nginx_port, node_port, go_port))

        def run(*command):
            subprocess.run(list(map(str, command)), check=True, stdin=subprocess.DEVNULL)

        for n in range(30):
            run("curl", "-s", "-o", "/dev/null", f"{nginx}/?curl={n}")
        run("curl", "-s", *(word for n in range(20) for word in ("-o", "/dev/null", f"{node}/chunked?keep={n}")))
        run("wget", "-q", "-O", "/dev/null", *(f"{nginx}/?wget={n}" for n in range(20)))
        run("/usr/bin/python3", "-c", http_peers.REQUESTS_CLIENT, f"{go}/?requests=%d", 0, 25)
        script = folder / "client.js"
        script.write_text(http_peers.NODE_CLIENT)
        run("node", script, f"{go}/?node=%d", 0, 25)
        run(client, f"http://127.0.0.1:{proxy_port}/?go=%d", 0, 40)
        run(client, f"{node}/?go=%d", 0, 15)
        run("curl", "-s", "-x", f"http://127.0.0.1:{squid_port}",
            *(word for n in range(20) for word in ("-o", "/dev/null", f"{nginx}/?squid={n}")))
        run("curl", "-s", *(word for n in range(5) for word in ("-o", "/dev/null", f"{nginx}/big?n={n}")))

    def compare(self, capture, wire):
        """What servers were seen to be asked and to answer, with tshark's view of the same ports."""
        local = {one["connection"]: port_of(one["local"]) for one in capture.records["connection"]}
        requests, responses = collections.Counter(), collections.Counter()
        for one in capture.records["exchange"]:
            if one["role"] == "server":
                requests[local[one["connection"]], one["request"]["method"], one["request"]["target"]] += 1
                responses[local[one["connection"]], one["response"]["status"]] += 1
        seen, answered = wire.messages()
        self.assertEqual(requests, seen)
        # The probes of tshark's readiness were answered by the first of the ports.
        probed = wire.ports[0], 200
        self.assertGreaterEqual(answered[probed], responses[probed] + 2)
        answered[probed] = responses[probed]
        self.assertEqual(responses, answered)

    def test_the_same_over_tls(self):
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            folder = pathlib.Path(name)
            nginx, nginx_port, nginx_log = stack.enter_context(http_peers.nginx(folder, tls=True))
            go, go_port, go_log = stack.enter_context(http_peers.go(folder, tls="http1"))
            # Found in a stripped binary too.
            path = http_peers.build_go(folder, "goclient", http_peers.GO_CLIENT, ("-ldflags=-s -w",))
            client = stack.enter_context(subprocess.Popen(
                [path, f"https://127.0.0.1:{go_port}/?go=%d", "0", "40", "wait"], stdin=subprocess.PIPE, text=True))
            servers = {"nginx": children(nginx.pid), "go": [go.pid]}
            with Capture(os.getpid(), client.pid, *(pid for pids in servers.values() for pid in pids)) as capture:
                client.communicate("go\n")
                self.assertEqual(client.returncode, 0)
                for base, port in (("nginx", nginx_port), ("go", go_port)):
                    url = f"https://127.0.0.1:{port}/?{base}"
                    subprocess.run(["curl", "-sk", "--http1.1", *(word for n in range(30) for word in (
                        "-o", "/dev/null", f"{url}-curl={n}"))], check=True)
                    subprocess.run(["wget", "-q", "--no-check-certificate", "-O", "/dev/null",
                                    *(f"{url}-wget={n}" for n in range(20))], check=True)
                    subprocess.run(["/usr/bin/python3", "-c", http_peers.REQUESTS_CLIENT, f"{url}-requests=%d", "0",
                                    "30"], check=True)
            asked = {"nginx": nginx_log.read_text().splitlines(), "go": go_log.read_text().splitlines()}
            self.assertEqual(sum(map(len, asked.values())), 200)
            for server, log in asked.items():
                with self.subTest(server=server):
                    self.assertEqual(targets(capture.of(servers[server], "server")), sorted(log))
            ours = set().union(*servers.values())
            asking = [one for one in capture.records["exchange"]
                      if one["role"] == "client" and one["pid"] not in ours]
            self.assertEqual(targets(asking), sorted(asked["nginx"] + asked["go"]))
            self.assertEqual({one["state"] for one in capture.records["exchange"]}, {"complete"})
            self.assertTrue(all(one["tls"] for one in capture.records["connection"]))
            self.assertEqual({one["joined_late"] for one in capture.records["connection"]}, {False})


class Load(unittest.TestCase):
    def test_a_stall_while_wrk_hammers(self):
        """Most exchanges are passed over then; the one that stalls is told of, and nothing else is called stuck."""
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            node, port, _ = stack.enter_context(http_peers.node(pathlib.Path(name), logs=False))
            with Capture(node.pid) as capture:
                wrk = stack.enter_context(subprocess.Popen(
                    ["wrk", "-t1", "-c16", "-d7s", f"http://127.0.0.1:{port}/"], stdout=subprocess.DEVNULL))
                # Two processors have 2,000 pieces at once, which are 1,000 exchanges.
                time.sleep(4)
                stalled = stack.enter_context(subprocess.Popen(
                    ["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/stall"]))
                stack.callback(stalled.kill)
                # One that asked before as others do, and stalls on the connection that it has.
                kept = stack.enter_context(subprocess.Popen(
                    ["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/before",
                     "-o", "/dev/null", f"http://127.0.0.1:{port}/stall?kept"]))
                stack.callback(kept.kill)
                wrk.wait()
                time.sleep(1.2)
            self.assertGreater(capture.records["capture"][0]["losses"]["passed_over"], 0)
            # wrk hangs up on what it waits for when its time is over.
            hung_up = ("cut", "unanswered")
            stuck = {one["request"]["target"]: one for one in capture.records["exchange"]
                     if one["stuck"] and one["state"] not in hung_up}
            self.assertEqual(set(stuck), {"/stall", "/stall?kept"}, stuck)
            for one in stuck.values():
                self.assertEqual((one["state"], one["missing"]), ("waits-for-length", 90))
            others = {one["state"] for one in capture.records["exchange"] if not one["stuck"]}
            self.assertLessEqual(others, {"complete", "unknown"})
            self.assertEqual(capture.status, 1)


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

    def test_node_as_a_client_haproxy_and_what_goes_through_a_tunnel(self):
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            folder, plain = pathlib.Path(name), pathlib.Path(name, "plain")
            plain.mkdir()
            nginx, port, log = stack.enter_context(http_peers.nginx(folder, tls=True))
            origin, origin_port, _ = stack.enter_context(http_peers.nginx(plain))
            proxy, proxy_port = stack.enter_context(http_peers.haproxy(folder, origin_port, tls=True))
            squid, squid_port = stack.enter_context(http_peers.squid(folder))
            script = folder / "client.js"
            script.write_text(http_peers.NODE_CLIENT)
            with Capture(os.getpid(), proxy.pid, *children(squid.pid), *children(nginx.pid)) as capture:
                # OpenSSL may be in node itself: that is looked into when the first one has started.
                probed = probes(capture.process.pid)
                with subprocess.Popen(["node", "-e", "process.stdin.resume()"], stdin=subprocess.PIPE) as first:
                    wait_for_probes(capture.process.pid, probed)
                    first.communicate()
                for base in (port, proxy_port):
                    subprocess.run(["node", script, f"https://127.0.0.1:{base}/?node=%d", "0", "15"], check=True)
                    subprocess.run(["curl", "-sk", "--http1.1", *(word for n in range(10) for word in (
                        "-o", "/dev/null", f"https://127.0.0.1:{base}/?curl={n}"))], check=True)
                subprocess.run(["curl", "-sk", "--http1.1", "-x", f"http://127.0.0.1:{squid_port}", *(
                    word for n in range(10) for word in ("-o", "/dev/null", f"https://127.0.0.1:{port}/?tunnel={n}"))],
                    check=True)
            direct = [f"/?{who}={n}" for who, count in (("node", 15), ("curl", 10)) for n in range(count)]
            tunnel = [f"/?tunnel={n}" for n in range(10)]
            self.assertEqual(sorted(log.read_text().splitlines()), sorted(direct + tunnel))
            self.assertEqual(targets(capture.of(children(nginx.pid), "server")), sorted(direct + tunnel))
            self.assertEqual(targets(capture.of([proxy.pid], "server")), sorted(direct))
            self.assertEqual(targets(capture.of([proxy.pid], "client")), sorted(direct))
            servers = {proxy.pid, *children(nginx.pid), *children(squid.pid)}
            asking = [one for one in capture.records["exchange"] if one["pid"] not in servers]
            opened = [one for one in asking if one["request"]["method"] == "CONNECT"]
            self.assertEqual([one["state"] for one in opened], ["tunnel"])
            self.assertEqual(targets([one for one in asking if one not in opened]), sorted(2 * direct + tunnel))
            self.assertEqual([one["request"]["method"] for one in capture.of(children(squid.pid), "server")], ["CONNECT"])
            states = collections.Counter(one["state"] for one in capture.records["exchange"])
            odd = [one for one in capture.records["exchange"] if one["state"] not in ("complete", "tunnel")]
            self.assertEqual(odd, [])
            self.assertEqual(states, {"complete": 5 * len(direct) + 2 * len(tunnel), "tunnel": 2})

    def ask(self, url, node_port):
        subprocess.run(["curl", "-sk", "-o", "/dev/null", url + "?curl"], check=True)
        subprocess.run(["wget", "-q", "--no-check-certificate", "-O", "/dev/null", url + "?wget"], check=True)
        subprocess.run(["/usr/bin/python3", "-c", PYTHON_TLS, url + "?python"], check=True)
        subprocess.run(["curl", "-sk", "--http1.1", "-o", "/dev/null", f"https://127.0.0.1:{node_port}/?node"], check=True)
        time.sleep(0.3)


class Started(unittest.TestCase):
    """Programs and workers that begin while the capture goes on."""

    def test_a_go_client_is_looked_into_when_it_has_started_and_from_the_second_start_on_at_once(self):
        with tempfile.TemporaryDirectory() as name, http_peers.nginx(pathlib.Path(name), tls=True) as (_, port, log):
            client = http_peers.build_go(pathlib.Path(name), "goclient", http_peers.GO_CLIENT)
            url = f"https://127.0.0.1:{port}/?go=%d"
            with Capture(os.getpid()) as capture:
                probed = probes(capture.process.pid)
                with subprocess.Popen([client, url, "0", "20", "wait"], stdin=subprocess.PIPE, text=True) as first:
                    wait_for_probes(capture.process.pid, probed)
                    first.communicate("go\n")
                subprocess.run([client, url, "100", "120"], check=True)
            self.assertEqual(len(log.read_text().splitlines()), 40)
            found = collections.Counter(targets(capture.records["exchange"]))
            # Of the first start a part may have gone by on a machine that is busy with other things.
            for n in range(100, 120):
                self.assertEqual(found.pop(f"/?go={n}", 0), 1, n)
            self.assertLessEqual(set(found.values()), {1})
            self.assertLessEqual(set(found), {f"/?go={n}" for n in range(20)})
            said = [one for one in capture.records["capture"][0]["blinds"] if "goclient" in one]
            self.assertEqual(len(said), 1, capture.records["capture"])

    def test_a_worker_of_nginx_that_takes_over(self):
        with tempfile.TemporaryDirectory() as name, http_peers.nginx(pathlib.Path(name), tls=True) as (nginx, port, _):
            before = children(nginx.pid)
            with Capture(*before) as capture:
                nginx.send_signal(signal.SIGHUP)
                deadline = time.monotonic() + 30
                while not set(children(nginx.pid)) - set(before) or set(before[1:]) & set(children(nginx.pid)):
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
                url = f"https://127.0.0.1:{port}/?taken-over"
                subprocess.run(["curl", "-sk", "--http1.1", "-o", "/dev/null", url, "-o", "/dev/null", url], check=True)
            served = capture.records["exchange"]
            self.assertEqual(targets(served), 2 * ["/?taken-over"])
            self.assertFalse({one["pid"] for one in served} & set(before))


if __name__ == "__main__":
    main()
