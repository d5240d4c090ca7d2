#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb trace on the specimens: a program for each disease, and its healthy twin.

The first origin of the report contains the guilty function; on the twin nothing is reported as growing.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program, run  # noqa: E402  (after the path)

PLUMB = program("plumb")
SPECIMENS = ROOT / "cases/specimens"
# Two at a time: two plumbs must not disturb each other, and a machine has two processors at least.
AT_ONCE = 2

C_GUILTY = {
    "file": "read_settings", "tcp": "ask_server", "accept": "serve_one", "child-pipe": "start_worker",
    "eventfd": "make_signal", "epoll": "watch_one", "inotify": "follow_directory", "dup": "copy_output",
    "passed": "take_descriptor", "error-path": "open_valid",
}
CPP_GUILTY = {"file": "shop::Cache<", "error-path": "shop::parse_order", "eventfd": "shop::wake_worker"}
GO_GUILTY = {"file": "main.readSettings", "tcp": "main.askServer", "accept": "main.serveOne",
             "child-pipe": "main.startWorker", "error-path": "main.openValid"}
RUST_GUILTY = {"file": "read_settings", "accept": "serve_one", "error-path": "open_valid"}


def specimens(folder):
    """[(name, command, {disease: guilty function})], built into the folder."""
    def built(name, *command, **options):
        run(*command, "-o", folder / name, **options)
        return [folder / name]

    c, cpp, go = SPECIMENS / "c/leaks.c", SPECIMENS / "cpp/leaks.cc", SPECIMENS / "go/leaks.go"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    return [
        ("C", built("c", "gcc", "-O2", "-pthread", c), C_GUILTY),
        ("C with frame pointers", built("c-fp", "gcc", "-O2", "-fno-omit-frame-pointer", "-pthread", c), C_GUILTY),
        ("C, static", built("c-static", "gcc", "-O2", "-static", "-pthread", c), {"file": "read_settings"}),
        ("C++", built("cpp", "g++", "-std=c++20", "-O2", cpp), CPP_GUILTY),
        ("C++ with frame pointers",
         built("cpp-fp", "g++", "-std=c++20", "-O2", "-fno-omit-frame-pointer", cpp), CPP_GUILTY),
        ("Go", built_go("go", folder, go, environment), GO_GUILTY),
        ("Go, stripped", built_go("go-stripped", folder, go, environment, "-ldflags=-s -w"), GO_GUILTY),
        ("Rust", built("rust", "rustc", "-O", SPECIMENS / "rust/leaks.rs"), RUST_GUILTY),
    ]


def built_go(name, folder, source, environment, *flags):
    run("go", "build", *flags, "-o", folder / name, source, env=environment)
    return [folder / name]


def trace(*command, seconds=3):
    """The records of a trace of the command, by their names."""
    done = subprocess.run([PLUMB, "trace", "--json", "--min-age", "300ms", "--for", f"{seconds}s", "--", *command],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120)
    if done.returncode not in (0, 1):
        raise AssertionError(f"plumb trace ended with {done.returncode}: {done.stderr.decode()}")
    found = {}
    for line in done.stdout.splitlines():
        row = json.loads(line)
        found.setdefault(row["record"], []).append(row)
    return found


def functions(frames):
    return [frame.get("function", "?") for frame in frames]


class Specimens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="plumb-specimens-")
        cls.specimens = specimens(pathlib.Path(cls.folder.name))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def every(self, check):
        """Runs check(command, disease, guilty) for the whole table and names what failed."""
        table = [(f"{name}: {disease}", command, disease, guilty)
                 for name, command, diseases in self.specimens for disease, guilty in diseases.items()]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            faults = list(pool.map(lambda row: check(*row[1:]), table))
        wrong = [f"{row[0]}: {fault}" for row, fault in zip(table, faults) if fault]
        self.assertEqual(wrong, [])

    def test_the_first_origin_contains_the_guilty_function(self):
        def check(command, disease, guilty):
            origins = trace(*command, disease).get("origin", [])
            if not origins:
                return "nothing is held"
            names = functions(origins[0]["stack"])
            if not any(guilty in name for name in names):
                return f"{guilty} is not in {names}"
            return None if origins[0]["growth"] == "growing" else f"is {origins[0]['growth']}"
        self.every(check)

    def test_on_the_healthy_twin_nothing_grows(self):
        def check(command, disease, guilty):
            growing = [functions(o["stack"]) for o in trace(*command, disease, "healthy").get("origin", [])
                       if o["growth"] == "growing"]
            return growing or None
        self.every(check)

    def test_a_pool_that_fills_and_stays_is_no_leak(self):
        origins = trace(*self.specimens[0][1], "pool", seconds=4)["origin"]
        self.assertEqual(origins[0]["held"], 50)
        self.assertEqual([o for o in origins if o["growth"] == "growing"], [])

    def test_a_listener_closed_by_a_finalizer(self):
        for name, command, _ in self.specimens:
            if not name.startswith("Go"):
                continue
            closed = [c for c in trace(*command, "finalizer")["closed"] if c["finalizer"] and c.get("port")]
            self.assertTrue(closed, name)
            self.assertIn("main.keepDuplicateOnly", functions(closed[0]["stack"]))
            self.assertIn("runtime.runfinq", functions(closed[0]["closer"]))
            healthy = trace(*command, "finalizer", "healthy").get("closed", [])
            self.assertEqual([c for c in healthy if c["finalizer"]], [], name)


if __name__ == "__main__":
    main()
