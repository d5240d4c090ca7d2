#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What clients live through when a server runs out of descriptors: plumb beside its peers.

usage: bench/net/emfile.py BUILD              BUILD: a release tree configured with PLUMB_BENCH=ON
Every server has 64 descriptors. First 150 clients connect and send GET; then, on a fresh server,
150 silent clients hold everything and 5 newcomers send GET. Exit status 1 when an aim is missed.
"""
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import side_by_side as bench  # noqa: E402

DESCRIPTORS, CROWD, NEWCOMERS = 64, 150, 5
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE = 2.0  # seconds of silence that count as a hang


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connect(port):
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    return client


class Crowd:
    """Clients that connect at once, each perhaps with a request; tells what became of each."""

    def __init__(self, port, count, talk):
        self.clients = [connect(port) for _ in range(count)]
        self.sent = time.monotonic()
        self.outcomes = {}
        for client in self.clients:
            if talk:
                try:
                    client.send(REQUEST)
                except OSError:
                    self.outcomes[client] = ("reset", 0.0)

    def wait(self):
        waiting = {c.fileno(): c for c in self.clients if c not in self.outcomes}
        poll = select.poll()
        for number in waiting:
            poll.register(number, select.POLLIN)
        deadline = self.sent + PATIENCE
        while waiting and (left := deadline - time.monotonic()) > 0:
            for number, _ in poll.poll(left * 1000):
                client = waiting.pop(number)
                poll.unregister(number)
                try:
                    head = client.recv(4096)
                except OSError:
                    head = b""
                kind = head[9:12].decode("ascii", "replace") if head else "reset"
                self.outcomes[client] = (kind, time.monotonic() - self.sent)
        for client in waiting.values():
            self.outcomes[client] = ("hang", PATIENCE)
        return self

    def count(self, kind):
        return sum(1 for outcome, _ in self.outcomes.values() if outcome == kind)

    def slowest_answer(self):
        answered = [t for kind, t in self.outcomes.values() if kind.isdigit()]
        return max(answered) * 1000 if answered else float("nan")

    def leave(self):
        for client in self.clients:
            client.close()


def recovery_ms(port):
    """From the moment the crowd left until a newcomer has a 200."""
    began = time.monotonic()
    while time.monotonic() - began < 5:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.settimeout(5)
            try:
                client.sendall(REQUEST)
                if client.recv(4096)[9:12] == b"200":
                    return (time.monotonic() - began) * 1000
            except OSError:
                pass
    return float("nan")


def crowd_test(process, port):
    crowd = Crowd(port, CROWD, talk=True).wait()
    before, began = cpu_seconds(process.pid), time.monotonic()
    time.sleep(1)
    cpu = (cpu_seconds(process.pid) - before) / (time.monotonic() - began) * 100
    crowd.leave()
    return crowd, cpu, recovery_ms(port)


def newcomer_test(port):
    silent = Crowd(port, CROWD, talk=False)
    time.sleep(1)
    newcomers = Crowd(port, NEWCOMERS, talk=True).wait()
    silent.leave()
    newcomers.leave()
    return newcomers


NGINX = """daemon off; master_process off; worker_rlimit_nofile 64; error_log /dev/null; pid {dir}/pid;
events {{ worker_connections 512; }}
http {{ access_log off; server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 "ok\\n"; }} }} }}
"""


def servers(build, scratch):
    """name -> command that prints a port; only what is installed."""
    net = build / "bench/net"
    known = {"plumb": [net / "net_plumb", "http"]}
    for peer in ("libuv", "asio", "libevent", "naive"):
        known[peer] = [net / f"peer_{peer}", "http"]
    peers = pathlib.Path(__file__).resolve().parent / "peers"
    if shutil.which("node"):
        known["node"] = ["node", peers / "http.js"]
    if shutil.which("go"):
        subprocess.run(["go", "build", "-o", scratch / "gohttp", peers / "http.go"], check=True,
                       env=os.environ | {"GOCACHE": str(scratch / "gocache"), "GO111MODULE": "off"})
        known["go net/http"] = [scratch / "gohttp"]
    if shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        (scratch / "nginx.conf").write_text(NGINX.format(dir=scratch, port=port))
        known["nginx"] = ["sh", "-c", f"echo {port}; exec /usr/sbin/nginx -c {scratch}/nginx.conf"]
    return known


def main():
    build = pathlib.Path(sys.argv[1])
    print(bench.machine())
    print(f"\n{DESCRIPTORS} descriptors a server; A: {CROWD} clients send GET; "
          f"B: {CROWD} silent clients hold all, {NEWCOMERS} newcomers send GET\n")
    print(f"{'server':<14}{'A: 200':>7}{'503':>5}{'reset':>7}{'hang':>6}{'slowest':>10}{'CPU':>6}"
          f"{'recovery':>11}   {'B: 200':>7}{'503':>5}{'reset':>7}{'hang':>6}{'slowest':>10}")
    reached = False
    with tempfile.TemporaryDirectory() as scratch:
        for name, command in servers(build, pathlib.Path(scratch)).items():
            with bench.server(command, DESCRIPTORS) as (process, port):
                time.sleep(0.3)
                crowd, cpu, recovery = crowd_test(process, port)
            with bench.server(command, DESCRIPTORS) as (_, port):
                time.sleep(0.3)
                late = newcomer_test(port)
            print(f"{name:<14}{crowd.count('200'):>7}{crowd.count('503'):>5}{crowd.count('reset'):>7}"
                  f"{crowd.count('hang'):>6}{crowd.slowest_answer():>7.1f} ms{cpu:>4.0f} %"
                  f"{recovery:>8.1f} ms   {late.count('200'):>7}{late.count('503'):>5}"
                  f"{late.count('reset'):>7}{late.count('hang'):>6}{late.slowest_answer():>7.1f} ms")
            if name == "plumb":
                lost = sum(c.count("hang") + c.count("reset") for c in (crowd, late))
                reached = lost == 0 and cpu < 5 and recovery < 50 and late.slowest_answer() <= 10
    print("\nplumb " + ("reaches every aim" if reached else "MISSES an aim")
          + ": no hang, no reset, newcomer ≤ 10 ms, CPU < 5 %, recovery < 50 ms")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
