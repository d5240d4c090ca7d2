# SPDX-License-Identifier: Apache-2.0
"""Servers of the test's own: nginx, redis, postgres and node, each on ports and sockets in a directory of
its own, with clients connected to all of them; ended by their process ids."""
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from waiting import free_port, wait_until

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

NGINX = """
daemon off; user nobody nogroup; worker_processes 2; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 64; }}
http {{ access_log {home}/access.log; client_body_temp_path {home}/b; proxy_temp_path {home}/p;
  fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s; keepalive_timeout 600;
  server {{ listen 127.0.0.1:{port}; listen [::1]:{port}; listen unix:{home}/nginx.sock;
    location / {{ return 200 "hello\\n"; }} location /node/ {{ proxy_pass http://127.0.0.1:{node}/; }} }} }}
"""
NODE = """
const http = require('http'), fs = require('fs'), net = require('net');
const server = http.createServer((_, answer) => answer.end('hello\\n'));
server.keepAliveTimeout = 600000;
server.listen(%(port)d, '127.0.0.1');
net.createServer(() => {}).listen('%(home)s/node.sock');
require('dgram').createSocket('udp4').bind(0, '127.0.0.1');
require('dgram').createSocket('udp6').bind(0, '::1');
require('child_process').spawn('sleep', ['600']);
fs.watch('%(home)s', () => {});
fs.open('%(home)s/node.js', 'r', () => {});
setInterval(() => {}, 1000);
"""


def connect(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    client = socket.socket(family)
    try:
        client.connect(address)
    except OSError:
        client.close()
        raise
    return client


def answers(address):
    try:
        connect(address).close()
        return True
    except OSError:
        return False


def descendants(pid):
    """pid and every process below it."""
    found = [pid]
    for task in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            for child in pathlib.Path(task).read_text().split():
                found += descendants(int(child))
        except OSError:  # ended meanwhile
            pass
    return found


def postgres_program(name):
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))), None)
    if not found:
        raise AssertionError(f"{name} is not installed: tools/packages lists what the tests need")
    return found


class Servers:
    """`with Servers() as servers`: all four are up, each with clients that hold connections to it."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="plumb-servers-")
        os.chmod(self.home, 0o777)
        self.running = []
        self.log = open(f"{self.home}/log", "w")

    def start(self, *command, prefix=()):
        self.running.append(subprocess.Popen([*prefix, *command], stdin=subprocess.DEVNULL, stdout=self.log,
                                             stderr=self.log, cwd=self.home, close_fds=True))

    def __enter__(self):
        try:
            self.start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start_all(self):
        home, ports = self.home, [free_port() for _ in range(4)]
        nginx, redis, postgres, node = ports
        pathlib.Path(f"{home}/nginx.conf").write_text(NGINX.format(home=home, port=nginx, node=node))
        self.start("nginx", "-c", f"{home}/nginx.conf", "-e", f"{home}/error.log")
        self.start("redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--unixsocket", f"{home}/redis.sock",
                   "--dir", home, "--save", "", "--daemonize", "no", prefix=NOBODY)
        pathlib.Path(f"{home}/node.js").write_text(NODE % {"port": node, "home": home})
        self.start("node", f"{home}/node.js", prefix=NOBODY)
        subprocess.run([*NOBODY, postgres_program("initdb"), "-D", f"{home}/pg", "-U", "postgres", "-A", "trust",
                        "--no-sync"], stdout=self.log, stderr=self.log, check=True)
        self.start(postgres_program("postgres"), "-D", f"{home}/pg", "-k", home, "-p", str(postgres),
                   "-c", "listen_addresses=127.0.0.1", prefix=NOBODY)
        addresses = [("127.0.0.1", port) for port in ports] + [("::1", nginx)] + [
            f"{home}/nginx.sock", f"{home}/redis.sock", f"{home}/node.sock", f"{home}/.s.PGSQL.{postgres}"]
        for address in addresses:
            if not wait_until(lambda a=address: answers(a)):
                raise AssertionError(f"nobody answers at {address}")
        self.start_clients(addresses, nginx, redis, node)

    def start_clients(self, addresses, nginx, redis, node):
        """A process that holds a connection to each address, and some with data on their way."""
        ready, told = os.pipe()
        client = os.fork()
        if client == 0:
            held = [connect(address) for address in addresses]
            for port, path in ((nginx, "/"), (nginx, "/node/"), (node, "/")):
                held.append(connect(("127.0.0.1", port)))
                held[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                held[-1].recv(4096)
            held.append(connect(("127.0.0.1", redis)))
            held[-1].sendall(b"PING\r\n")  # its answer stays unread
            os.write(told, b"x")
            while True:
                signal.pause()
        os.close(told)
        self.client = client
        os.read(ready, 1)
        os.close(ready)
        time.sleep(0.5)  # until the servers have taken what was sent

    def pids(self):
        """All processes of all servers, and the client."""
        found = [self.client]
        for server in self.running:
            found += descendants(server.pid)
        return sorted(found)

    def __exit__(self, *_):
        if getattr(self, "client", None):
            os.kill(self.client, signal.SIGKILL)
            os.waitpid(self.client, 0)
        for server in self.running:
            below = descendants(server.pid)
            server.send_signal(signal.SIGINT)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            for pid in below[1:]:
                try:
                    os.kill(pid, signal.SIGKILL)  # node's child outlives it
                except ProcessLookupError:
                    pass
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)
