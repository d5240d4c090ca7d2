#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/json.md says what --json prints: json_test.py PLUMB.

Every record and field that a run of each command prints is in the document, with its type and unit,
and every one in the document is printed by that run. The run looks at a process that holds one of
each thing that has fields of its own.
"""
import collections
import contextlib
import ctypes
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, run  # noqa: E402  (after the path)

PLUMB = pathlib.Path(sys.argv.pop(1)).resolve()
TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def documented():
    """{record: {field: set of types}} from the tables of docs/json.md; a number without a unit is an error."""
    records = {}
    for part in re.split(r"^## ", (ROOT / "docs/json.md").read_text(), flags=re.MULTILINE)[1:]:
        name = re.match(r"`([a-z_]+)`\n", part)
        if not name:
            continue
        fields = records.setdefault(name.group(1), {})
        for field, kinds, unit in re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]*) \|", part, re.MULTILINE):
            types = {each.strip() for each in kinds.split(" or ")}
            if types & {"integer", "number"} and not unit.strip():
                raise AssertionError(f"docs/json.md: {name.group(1)}.{field}: a number wants a unit (– for none)")
            fields[field] = types | {"integer"} if "number" in types else types
    return records


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


def json_commands():
    """The commands that have --json: "" is plumb without a command."""
    listed = run(PLUMB, "--help").split("Subcommands:\n", 1)[1].split("\n\n", 1)[0]
    names = ["", *re.findall(r"^  ([a-z][a-z-]*)", listed, re.MULTILINE)]
    return [name for name in names if "--json" in run(PLUMB, *filter(None, [name]), "--help")]


@contextlib.contextmanager
def one_of_each():
    """Holds one of each kind that has fields of its own, some of them shared with a child."""
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.ExitStack() as stack:
        def keep(descriptor):
            assert descriptor >= 0, os.strerror(ctypes.get_errno())
            stack.callback(os.close, descriptor)
            return descriptor

        deleted = stack.enter_context(tempfile.TemporaryFile())
        deleted.write(b"x" * 8192)
        deleted.flush()
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(listener.getsockname()))
        served = stack.enter_context(listener.accept()[0])
        waiting = stack.enter_context(socket.create_connection(listener.getsockname()))
        client.sendall(b"never read")
        served.sendall(b"never read")
        assert waiting
        for one in socket.socketpair():
            stack.enter_context(one)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        bound = stack.enter_context(socket.socket(socket.AF_UNIX))
        bound.bind(f"{folder}/bound")
        bound.listen(3)
        queued = stack.enter_context(socket.socket(socket.AF_UNIX))
        queued.connect(f"{folder}/bound")
        stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)).bind(("::1", 0))
        event = keep(libc.eventfd(3, 0))
        epoll = stack.enter_context(contextlib.closing(select.epoll()))
        epoll.register(event, select.EPOLLIN)
        timer = keep(libc.timerfd_create(1, 0))
        hour = (ctypes.c_long * 4)(60, 0, 3600, 0)
        assert libc.timerfd_settime(timer, 0, hour, None) == 0
        watch = keep(libc.inotify_init1(0))
        assert libc.inotify_add_watch(watch, folder.encode(), 0x100) >= 0
        keep(os.memfd_create("plumb-json"))
        keep(os.pidfd_open(os.getpid()))
        mask = (ctypes.c_ulong * 16)(1 << (signal.SIGUSR1 - 1))
        keep(libc.signalfd(-1, mask, 0))
        for end in os.openpty():
            keep(end)
        sleeper = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stack.callback(sleeper.wait)
        stack.callback(sleeper.stdout.close)
        stack.callback(sleeper.stdin.close)
        stack.enter_context(contextlib.closing(os.fdopen(os.dup(0))))
        yield


class Json(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("fields that only root may see could not be compared")
        cls.printed = collections.defaultdict(lambda: collections.defaultdict(set))
        cls.objects = []
        with one_of_each():
            for command in json_commands():
                done = subprocess.run([PLUMB, *filter(None, [command]), "--json"], stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, check=False, timeout=60)
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
                self.assertEqual(set(fields), set(self.printed[record]))

    def test_the_document_names_each_type(self):
        for record, fields in self.printed.items():
            for field, types in fields.items():
                with self.subTest(record=record, field=field):
                    self.assertLessEqual(types, documented().get(record, {}).get(field, set()))


if __name__ == "__main__":
    main()
