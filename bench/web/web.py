#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb's server beside nginx, node and Go, its client beside libcurl, and what an idle event stream
costs in memory.

usage: bench/web/web.py BUILD [SECONDS] [get|file|client|events]...
BUILD: a release tree configured with PLUMB_BENCH=ON. Servers on core 0, load on core 1; the client
under test on core 0, its server on core 1. Exit status 1 when an aim is missed.
"""
import os
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench/support"), str(ROOT / "tests/support")]
import side_by_side as bench  # noqa: E402  (after the path)
from waiting import free_port  # noqa: E402

CONNECTIONS, STREAMS = 64, 10_000
NGINX = """daemon off; master_process off; error_log /dev/null; pid {dir}/pid; worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
http {{ access_log off; sendfile on; keepalive_requests 100000000; default_type text/plain;
  client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
  uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location = / {{ return 200 "hello, world\\n"; }}
    location /files/ {{ alias {dir}/files/; }} }} }}
"""
NODE = """const s = require('http').createServer((q, r) => {
  r.setHeader('Content-Type', 'text/plain'); r.end('hello, world\\n'); });
s.keepAliveTimeout = 60000; s.listen(0, '127.0.0.1', () => console.log(s.address().port));"""
GO = """package main
import ("fmt"; "net"; "net/http")
func main() {
  l, _ := net.Listen("tcp", "127.0.0.1:0")
  fmt.Println(l.Addr().(*net.TCPAddr).Port)
  http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
    w.Header().Set("Content-Type", "text/plain"); w.Write([]byte("hello, world\\n")) }))
}"""


class Bench:
    def __init__(self, build, seconds, directory):
        self.build, self.seconds, self.dir = pathlib.Path(build) / "bench/web", seconds, directory
        (directory / "files").mkdir()
        (directory / "files/64k.bin").write_bytes(os.urandom(65536))
        (directory / "server.js").write_text(NODE)
        (directory / "server.go").write_text(GO)

    def server(self, name, core=bench.SERVER_CORE):
        if name == "nginx":
            port = free_port()
            (self.dir / "nginx.conf").write_text(NGINX.format(dir=self.dir, port=port))
            return bench.server(["sh", "-c", f"echo {port}; exec nginx -c {self.dir}/nginx.conf -p {self.dir}"],
                                core=core)
        if name == "node":
            return bench.server(["node", self.dir / "server.js"], core=core)
        if name == "go":
            program = self.dir / "server"
            if not program.exists():
                subprocess.run(["go", "build", "-o", program, self.dir / "server.go"], check=True,
                               env=os.environ | {"GO111MODULE": "off", "GOCACHE": str(self.dir / "cache")})
            return bench.server([program], core=core, env=os.environ | {"GOMAXPROCS": "1"})
        return bench.server([self.build / "web_plumb", self.dir / "files"], core=core)

    def wrk(self, name, path):
        with self.server(name) as (_, port):
            time.sleep(0.2)
            words = bench.pinned(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self.seconds}s",
                                  f"http://127.0.0.1:{port}{path}"])
        for trouble in ("Non-2xx", "errors:"):
            if trouble in words:
                raise RuntimeError(f"{name}: {' '.join(words)}")
        return float(words[words.index("Requests/sec:") + 1])

    def client(self, name):
        program = "web_client" if name == "plumb" else "web_client_curl"
        with self.server("nginx", core=bench.LOAD_CORE) as (_, port):
            time.sleep(0.2)
            return float(bench.pinned([self.build / program, f"http://127.0.0.1:{port}/",
                                       str(self.seconds)], core=bench.SERVER_CORE)[0])


def user_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        line = next(line for line in rollup if line.startswith("Private_Dirty:"))
    return int(line.split()[1]) * 1024


def events(trial):
    """User memory for each of the streams, and whether all of them were begun."""
    request = b"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
    with trial.server("plumb") as (process, port):
        time.sleep(0.2)
        before = user_bytes(process.pid)
        clients = []
        for _ in range(STREAMS):
            clients.append(socket.create_connection(("127.0.0.1", port)))
            clients[-1].sendall(request)
        begun = sum(client.recv(4096).startswith(b"HTTP/1.1 200") for client in clients)
        time.sleep(0.5)
        each = (user_bytes(process.pid) - before) / STREAMS
        for client in clients:
            client.close()
        time.sleep(1)
        open_now = len(os.listdir(f"/proc/{process.pid}/fd"))
    print(f"\nevent streams: {begun:,} of {STREAMS:,} begun, {each:,.0f} bytes of user memory each "
          f"(aim ≤ 4,096); {open_now} descriptors after they left")
    return begun == STREAMS and each <= 4096 and open_now < 40


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    wanted = set(sys.argv[3:]) or {"get", "file", "client", "events"}
    print(bench.machine())
    reached = True
    with tempfile.TemporaryDirectory() as name:
        trial = Bench(sys.argv[1], seconds, pathlib.Path(name))
        if "get" in wanted:
            figures = bench.interleave(["plumb", "nginx", "node", "go"], lambda n: trial.wrk(n, "/"))
            reached &= bench.print_table(f"GET 13 B, {CONNECTIONS} kept connections", "requests/s", figures,
                                         "plumb", {"nginx": 0.9, "node": 2, "go": 1.5})
        if "file" in wanted:
            figures = bench.interleave(["plumb", "nginx"], lambda n: trial.wrk(n, "/files/64k.bin"))
            reached &= bench.print_table("static file of 64 KiB", "requests/s", figures, "plumb",
                                         {"nginx": 0.9})
        if "client" in wanted:
            figures = bench.interleave(["plumb", "libcurl"], trial.client)
            reached &= bench.print_table(f"client, {CONNECTIONS} kept connections to nginx", "requests/s",
                                         figures, "plumb", {"libcurl": 1.0})
        if "events" in wanted:
            reached &= events(trial)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
