#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/json.md says what --json prints.

Every record and field that a run of each command prints is in the document, with its type and unit,
and every one in the document is printed by that run, but for the few in RARE, whose names must at
least stand in the sources. The factory holds one of each kind of descriptor meanwhile.
"""
import collections
import contextlib
import ctypes
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import factory, main, program, run  # noqa: E402  (after the path)

PLUMB = program("plumb")
# Documented fields that a healthy run of this test may not print, and why.
RARE = {
    "survey.losses[].what": "nothing is lost when all goes well",
    "survey.losses[].count": "as above",
    "survey.losses[].why": "as above",
    "survey.blinds[].what": "root sees everything",
    "survey.blinds[].remedy": "as above",
    "descriptor.detail.bytes": "a dmabuf needs a device that makes them",
    "descriptor.socket.interface": "only the /proc source names it; BPF has its number",
    "descriptor.errno": "root can read everything",
    "descriptor.error": "as above",
    "process.errno": "as above",
    "process.error": "as above",
    "process.container.runtime": "no container may run here",
    "process.container.id": "as above",
    "process.unit": "the machine may run without systemd",
    "finding.bytes": "it would take a large deleted file",
    "process.own_pid": "no other pid namespace may be here",
    "explanation.missing[]": "root sees everything",
    "finding.closer[].language": "no listener is closed while it is explained",
    "finding.closer[].function": "as above",
    "finding.closer[].offset": "as above",
    "finding.closer[].module": "as above",
    "finding.closer[].address": "as above",
    "finding.causes[]": "a file's leak has no further cause",
    "finding.leads_to[]": "a file has no other end",
    "goroutine_group.members[].thread": "all goroutines may be asleep",
    "goroutine_group.members[].parent": "Go 1.21 and later",
    "wait.parties[].thread": "no thread here waits for one that its futex names",
    "capture.blinds[]": "root sees everything",
    "wait.cut": "it would take a poll list of thousands",
    "chain.ring[].pid": "nothing here waits for itself for ever",
    "chain.ring[].process": "as above",
    "leftover.reason": "every maker's memory can be read",
    "check.reduced": "root sees everything",
    "check.losses[].what": "nothing is lost when all goes well",
    "check.losses[].count": "as above",
    "check.losses[].why": "as above",
    "go_http.before_longest": "it wants two collections of garbage",
}
FRAME_RARE = ("].file", "].line", "].build_id", "].own")
# A program that holds, closes and stops listening, for `plumb trace`.
TRACED = """
import os, socket, time
held = [open("/etc/passwd"), os.pipe()]
listener = socket.create_server(("127.0.0.1", 0))
time.sleep(0.3)
listener.close()
time.sleep(0.3)
"""
# One that keeps memory and a child that nobody waits for.
MAPPED = """
import mmap, os
kept = mmap.mmap(-1, 1 << 20)
if os.fork() == 0:
    os._exit(0)
"""
# A program that leaves something of every sort, for `plumb check`.
CHECKED = """
import os, subprocess
held = [os.open(path, os.O_RDONLY) for path in ("/etc/passwd", "/etc/group")]
one_end, other_end = os.pipe()
subprocess.Popen(["sh", "-c", "sleep 600 & wait"])
zombie = os.fork()
if zombie == 0:
    os._exit(0)
os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
"""
# Processes that wait for each other, for `plumb waits`: a client for its server, which watches that connection
# for another event than data, and in another thread for a child that sleeps.
WAITING = """
import os, select, socket, threading, time
listener = socket.create_server(("127.0.0.1", 0))
if os.fork() == 0:
    client = socket.create_connection(listener.getsockname())
    listener.close()
    client.sendall(b"unread")
    client.recv(1)
    os._exit(0)
sleeper = os.fork()
if sleeper == 0:
    listener.close()
    time.sleep(600)
connection = listener.accept()[0]
epoll = select.epoll()
epoll.register(connection, select.EPOLLRDHUP)
threading.Thread(target=os.waitpid, args=(sleeper, 0), daemon=True).start()
print("ready", flush=True)
epoll.poll()
os.kill(sleeper, 9)
"""
# One that leaks from the first line on, for `plumb explain`.
LEAKING = """
import os, time
held = []
while True:
    held.append(open("/etc/passwd"))
    time.sleep(0.2)
"""
# HTTP of every sort, for `plumb http`: through a proxy that changes the head, a body that stops, one that nobody
# reads.
TALKING = """
import socket, threading, time
def serve(answer):
    listener = socket.create_server(("127.0.0.1", 0))
    def run():
        while True:
            answer(listener.accept()[0])
    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()
def origin(client):
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nContent-Length: 2\\r\\n\\r\\nok")
kept = []
far = serve(lambda client: (origin(client), kept.append(client)))
def proxy(client):
    asked = client.recv(65536)
    with socket.create_connection(far) as up:
        up.sendall(asked)
        up.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nX-Down: 1\\r\\n\\r\\nok")
    client.close()
def stall(client):
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 9000\\r\\n\\r\\n" + b"x" * 5000)
    kept.append(client)
near, slow = serve(proxy), serve(stall)
request = b"GET /x?token=1 HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 1\\r\\nCookie: a=b\\r\\n\\r\\nz"
print("ready", flush=True)
while True:
    with socket.create_connection(near) as client:
        client.sendall(request)
        while client.recv(65536):
            pass
    for size in (65536, 64):
        client = socket.create_connection(slow)
        client.sendall(request)
        time.sleep(0.05)
        client.recv(size)
        kept.append(client)
    del kept[:-40]
    time.sleep(0.1)
"""
TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def fields_of(section):
    """{field: set of types} of the table in a section; a number without a unit is an error."""
    fields = {}
    for field, kinds, unit in re.findall(r"^\| `([^`]+)` \|([^|]+)\|([^|]*)\|", section, re.MULTILINE):
        types = {each.strip() for each in kinds.split(" or ")}
        if types & {"integer", "number"} and not unit.strip():
            raise AssertionError(f"docs/json.md: {field}: a number wants a unit (– for none)")
        fields[field] = types | {"integer"} if "number" in types else types
    return fields


def documented():
    """{record: {field: set of types}} from the tables of docs/json.md, with the fields of each frame."""
    sections = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", (ROOT / "docs/json.md").read_text(), re.MULTILINE))
    frame = fields_of(sections.pop("Frames"))
    records = {}
    for heading, section in sections.items():
        fields = records[heading.strip("`")] = {"record": {"string"}}
        for field, types in fields_of(section).items():
            if types == {"[frame](#frames)"}:
                fields |= {f"{field}.{name}": kinds for name, kinds in frame.items()}
            else:
                fields[field] = types
    return records


def is_rare(record, field):
    """Whether a run may go without it; of a frame, what debug information or the linker may not have given."""
    return f"{record}.{field}" in RARE or field.endswith(FRAME_RARE)


def flatten(value, path=""):
    """Yields (field, type) of each leaf: `a.b` in an object, `a[]` in a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from flatten(inner, f"{path}[]")
    else:
        yield path, TYPES[type(value)]


def json_commands(go, talking, folder):
    """folder: for files. go: processes that run Go; talking: one that speaks HTTP. The command lines that print JSON: plumb without a command, and each command, also with --count."""
    listed = run(PLUMB, "--help").split("Subcommands:\n", 1)[1].split("\n\n", 1)[0]
    for command in [[], *([name] for name in re.findall(r"^  ([a-z][a-z-]*)", listed, re.MULTILINE))]:
        options = run(PLUMB, *command, "--help")
        if command == ["trace"]:
            yield [*command, "--json", "--closed", "--min-age", "1ms", "--", "/usr/bin/python3", "-c", TRACED]
            yield [*command, "--json", "--kind", "mapping,child", "--", "/usr/bin/python3", "-c", MAPPED]
        elif command == ["check"]:
            yield [*command, "--json", "--grace", "0s", "--allow", "name:/etc/group", "--allow", "kind:none", "--",
                   "/usr/bin/python3", "-c", CHECKED]
            yield [*command, "--json", "--kind", "heap", "--heap-every", "64B", "--all", "--", "/usr/bin/python3", "-c",
                   "pass"]
        elif command == ["goroutines"]:
            yield [*command, "--json", str(go["waiting"])]
            yield [*command, "--json", str(go["jobs"]), "--http", "--for", "2s", "--min-age", "500ms"]
        elif command == ["http"]:
            yield [*command, "--json", "--for", "3s", str(talking)]
        elif command == ["record"]:
            recording = ["--for", "3s", "-o", str(folder / "a.plumb"), "--", "/usr/bin/python3", "-c", LEAKING]
            yield [*command, "--json", *recording]
        elif command == ["report"]:
            yield [*command, "--json", str(folder / "a.plumb")]
        elif command == ["diff"]:
            yield [*command, "--json", str(folder / "a.plumb")]
        elif command == ["explain"]:
            leaking = subprocess.Popen(["/usr/bin/python3", "-c", LEAKING], stdin=subprocess.DEVNULL)
            try:
                yield [*command, "--json", "--for", "14s", str(leaking.pid)]
            finally:
                leaking.kill()
                leaking.wait()
        elif "--json" in options:
            yield [*command, "--json"]
            if "--count" in options:
                yield [*command, "--json", "--count"]


@contextlib.contextmanager
def go_programs():
    """{name: pid} of Go processes: goroutines that wait, and jobs that forget to close responses."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plumb-json-")))
        pids = {}
        for name, arguments in (("waiting", []), ("jobs", ["leak", "http"])):
            run("go", "build", "-o", folder / name, ROOT / f"tests/e2e/goroutines/specimens/{name}.go",
                env={**os.environ, "GO111MODULE": "off"})
            process = stack.enter_context(subprocess.Popen([folder / name, *arguments], stdout=subprocess.PIPE))
            stack.callback(process.kill)
            process.stdout.readline()
            pids[name] = process.pid
        yield pids


@contextlib.contextmanager
def more():
    """What the factory does not hold: half-closed sockets, bound interfaces, a thread with a table of its
    own, and something wrong: a listener with more connections than its backlog."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
        for _ in range(2):
            client = stack.enter_context(socket.create_connection(listener.getsockname()))
            client.sendall(b"unread")
        client.shutdown(socket.SHUT_RDWR)
        stack.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)).bind(("lo", 0))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        own_table = threading.Event()
        end = threading.Event()

        def alone():
            assert ctypes.CDLL(None).unshare(0x400) == 0  # CLONE_FILES: a table of its own
            own_table.set()
            end.wait()

        waiting = stack.enter_context(subprocess.Popen([sys.executable, "-c", WAITING], text=True,
                                                       stdout=subprocess.PIPE, start_new_session=True))
        stack.callback(os.killpg, waiting.pid, 9)
        assert waiting.stdout.readline() == "ready\n"
        thread = threading.Thread(target=alone)
        thread.start()
        stack.callback(thread.join)
        stack.callback(end.set)
        own_table.wait()
        yield


@contextlib.contextmanager
def talking_program():
    with subprocess.Popen([sys.executable, "-c", TALKING], text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "ready\n"
        try:
            yield process.pid
        finally:
            process.kill()


class Json(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("fields that only root may see could not be compared")
        cls.printed = collections.defaultdict(lambda: collections.defaultdict(set))
        cls.objects = []
        with factory(), more(), go_programs() as go, talking_program() as talking, \
                tempfile.TemporaryDirectory(prefix="plumb-json-") as folder:
            for command in json_commands(go, talking, pathlib.Path(folder)):
                done = subprocess.run([PLUMB, *command], stdin=subprocess.DEVNULL, capture_output=True,
                                      text=True, check=False, timeout=60)
                assert done.returncode in (0, 1), done.stderr
                cls.objects += [json.loads(line) for line in done.stdout.splitlines()]
        for one in cls.objects:
            for field, kind in flatten(one):
                cls.printed[one["record"]][field].add(kind)

    def test_each_line_names_its_record_and_schema(self):
        self.assertTrue(self.objects)
        for one in self.objects:
            self.assertEqual(list(one)[:2], ["record", "schema"])

    def test_the_document_names_each_record(self):
        self.assertEqual(set(documented()), set(self.printed))

    def test_the_document_names_each_field_and_nothing_else(self):
        for record, fields in documented().items():
            with self.subTest(record=record):
                rare = {name for name in fields if is_rare(record, name)}
                self.assertEqual(set(fields) - rare, set(self.printed[record]) - rare)

    def test_what_is_rarely_printed_is_written_by_the_sources(self):
        sources = "".join(path.read_text() for path in (ROOT / "src").rglob("*.cc"))
        for name in RARE:
            record, _, field = name.partition(".")
            with self.subTest(name=name):
                self.assertIn(field, documented()[record])
                self.assertIn('("%s"' % re.findall(r"\w+", field)[-1], sources)

    def test_the_document_names_each_type(self):
        for record, fields in self.printed.items():
            for field, types in fields.items():
                with self.subTest(record=record, field=field):
                    self.assertLessEqual(types, documented().get(record, {}).get(field, set()))


if __name__ == "__main__":
    main()
