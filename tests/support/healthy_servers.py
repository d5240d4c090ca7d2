# SPDX-License-Identifier: Apache-2.0
"""Healthy servers under load, of which plumb explain must say nothing.

with running("nginx", 120) as pid: … the server runs, with its load, for so many seconds or until the end of
the block. Each is started with what it needs in a folder of its own, on a port that the kernel chose.
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from waiting import free_port, wait_for_port, wait_until

PROGRAMS = pathlib.Path(__file__).resolve().parent / "healthy"
SERVERS = ("nginx", "postgres", "redis", "node", "go", "python", "java", "chromium", "sshd", "cron")


class Healthy:
    """One server's processes, in order of their start. A gentle load leaves others of the machine room."""

    def __init__(self, folder, seconds, gentle):
        self.folder = pathlib.Path(folder)
        self.seconds = seconds
        self.gentle = gentle
        self.started = []

    def start(self, *command, **options):
        environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, env=environment, start_new_session=True, **options)
        self.started.append(process)
        return process.pid

    def told_port(self):
        """The port that a server wrote into its folder."""
        file = self.folder / "port"
        if not wait_until(lambda: file.exists() and file.read_text()):
            raise AssertionError(f"{self.started[0].args} wrote no port")
        return int(file.read_text())

    def wrk(self, port, connections=40):
        self.start("wrk", "-t1", f"-c{connections}", f"-d{self.seconds}s", f"http://127.0.0.1:{port}/")

    def shell(self, script):
        """A loop of its body for as long as the load lasts."""
        script += "; sleep 0.3" if self.gentle else ""
        self.start("bash", "-c", f"end=$((SECONDS + {self.seconds})); while ((SECONDS < end)); do {script}; done")

    def nginx(self):
        port = free_port()
        (self.folder / "index.html").write_text("hello" * 100)
        self.folder.chmod(0o755)
        (self.folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 2; pid {self.folder}/pid; error_log {self.folder}/errors;\n"
            "events { worker_connections 512; }\n"
            f"http {{ access_log {self.folder}/access; open_file_cache max=100; keepalive_requests 500;\n"
            f"server {{ listen 127.0.0.1:{port}; root {self.folder}; }} }}\n")
        pid = self.start("nginx", "-c", self.folder / "nginx.conf")
        wait_for_port(port)
        self.wrk(port)
        return pid

    def postgres(self):
        port = free_port()
        programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir()
        shutil.chown(data, "postgres")
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run([*as_postgres, programs / "initdb", "-D", data, "-A", "trust", "--no-sync"], check=True,
                       cwd="/", stdout=subprocess.DEVNULL)
        pid = self.start(*as_postgres, programs / "postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-k", data,
                         cwd="/")
        wait_for_port(port)
        bench = ["pgbench", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "postgres"]
        for _ in range(100):
            if subprocess.run([*bench, "-i", "-q"], check=False, capture_output=True, cwd="/").returncode == 0:
                break
            time.sleep(0.2)
        pace = ["-R", "200"] if self.gentle else []
        self.start(*bench, "-c", "8", *pace, "-T", self.seconds, cwd="/")
        self.start(*bench, *pace, "-C", "-c", "2", "-T", self.seconds, cwd="/")  # a connection for each transaction
        return pid

    def redis(self):
        port = free_port()
        pid = self.start("redis-server", "--port", port, "--save", "1 1", "--dir", self.folder, "--bind", "127.0.0.1")
        wait_for_port(port)
        self.shell(f"redis-benchmark -p {port} -c 40 -n {5000 if self.gentle else 50000} -q")
        return pid

    def node(self):
        pid = self.start("/usr/bin/node", PROGRAMS / "server.js", self.folder / "port")
        self.wrk(self.told_port())
        return pid

    def go(self):
        program = self.folder / "server"
        subprocess.run(["go", "build", "-o", program, PROGRAMS / "server.go"], check=True,
                       env=os.environ | {"GO111MODULE": "off", "CGO_ENABLED": "0"})
        pid = self.start(program, self.folder / "port")
        self.wrk(self.told_port())
        return pid

    def python(self):
        pid = self.start("/usr/bin/python3", PROGRAMS / "server.py", self.folder / "port")
        self.wrk(self.told_port(), 8)
        return pid

    def java(self):
        pid = self.start("java", "-Xmx256m", PROGRAMS / "Server.java", self.folder / "port")
        self.wrk(self.told_port(), 16)
        return pid

    def chromium(self):
        self.start("/usr/bin/python3", PROGRAMS / "server.py", self.folder / "port")
        page = self.folder / "page.html"
        page.write_text("<title>busy</title><script>setInterval(async () => {"
                        f"await fetch('http://127.0.0.1:{self.told_port()}/', {{mode: 'no-cors'}});"
                        "document.body.textContent += 'x'.repeat(10); }, 50)</script><body></body>")
        return self.start("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                          f"--user-data-dir={self.folder}/profile", "--remote-debugging-port=0", f"file://{page}")

    def sshd(self):
        port = free_port()
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True)
        os.makedirs("/run/sshd", exist_ok=True)
        (self.folder / "config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.folder}/user.pub\nStrictModes no\nPermitRootLogin yes\n")
        pid = self.start("/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "config")
        wait_for_port(port)
        self.shell(f"ssh -q -F none -i {self.folder}/user -p {port} -o StrictHostKeyChecking=no "
                   "-o UserKnownHostsFile=/dev/null root@127.0.0.1 true")
        return pid

    def cron(self):
        table = pathlib.Path("/etc/cron.d/plumb-healthy")
        table.write_text("* * * * * root sleep 5\n" * 10 + "* * * * * root true\n" * 10)
        return self.start("/usr/sbin/cron", "-f")

    def end(self):
        for process in reversed(self.started):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
        for process in reversed(self.started):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
        pathlib.Path("/etc/cron.d/plumb-healthy").unlink(missing_ok=True)


@contextlib.contextmanager
def running(name, seconds, gentle=False):
    """The pid of the server, which stands under load when the block begins."""
    with tempfile.TemporaryDirectory(prefix=f"plumb-{name}-", ignore_cleanup_errors=True) as folder:
        server = Healthy(folder, seconds, gentle)
        try:
            pid = getattr(server, name)()
            time.sleep(3)
            yield pid
        finally:
            server.end()
