#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb trace on what is no descriptor: a specimen for each kind of resource, and its healthy twin.

The sick ones are traced side by side, and so are the twins: the guilty function stands in an origin of
the kind that grows, and of a twin nothing grows.
"""
import concurrent.futures
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import by_record, main, program, run  # noqa: E402  (after the path)

PLUMB = program("plumb")
SPECIMENS = ROOT / "cases/specimens"
EXAMPLES = pathlib.Path(os.environ["PLUMB_EXAMPLES"])
AT_ONCE = 3


def trace(*arguments, seconds=3, min_age="200ms"):
    """The records of a trace, by their names."""
    done = subprocess.run([PLUMB, "trace", "--json", "--min-age", min_age, "--for", f"{seconds}s", *map(str, arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120)
    if done.returncode not in (0, 1):
        raise AssertionError(f"plumb trace ended with {done.returncode}: {done.stderr.decode()}")
    return by_record(done.stdout)


def origins_in(records, kind, function):
    return [o for o in records["origin"] if o["kind"] == kind
            and any(function in f.get("function", "") for f in o["stack"])]


def growing(records):
    return [(o["kind"], o["held"], [f.get("function") for f in o["stack"]][:8])
            for o in records["origin"] if o["growth"] == "growing"]


class Kinds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="plumb-kinds-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.held = cls.folder / "held"
        run("gcc", "-O2", "-pthread", SPECIMENS / "c/held.c", "-o", cls.held)
        cls.pairs = cls.folder / "pairs"
        libraries = run("pkg-config", "--cflags", "--libs", "glib-2.0", "libpq", "libcurl", "openssl", "sqlite3",
                        "zlib").split()
        run("gcc", "-O2", SPECIMENS / "c/pairs.c", "-o", cls.pairs, *libraries)
        cls.cpp, cls.rust = cls.folder / "held-cpp", cls.folder / "held-rust"
        run("g++", "-std=c++20", "-O2", SPECIMENS / "cpp/held.cc", "-o", cls.cpp)
        run("rustc", "-O", SPECIMENS / "rust/held.rs", "-o", cls.rust)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def each(self, rows, check):
        """Runs check(row) for all, some at a time; who fails beside others is tried once more alone."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            faults = list(pool.map(check, rows))
        again = [(row, check(row)) for row, fault in zip(rows, faults) if fault]
        self.assertEqual([one for one in again if one[1]], [])

    def test_mappings(self):
        def check(row):
            disease, function, bytes_each = row
            sick = trace("--kind", "mapping", "--", self.held, disease)
            found = origins_in(sick, "mapping", function)
            if not found or found[0]["growth"] != "growing":
                return f"not named: {growing(sick)}"
            origin = found[0]
            if origin["held_bytes"] != origin["held"] * bytes_each:
                return f"{origin['held_bytes']} bytes in {origin['held']} mappings"
            well = trace("--kind", "mapping", "--", self.held, disease, "healthy")
            return growing(well)
        self.each([("mapping", "map_window", 64 * 4096), ("trimmed", "map_aligned", 4096)], check)

    def test_a_mapping_that_grows_is_one_mapping(self):
        sick = trace("--kind", "mapping", "--", self.held, "grown")
        [origin] = origins_in(sick, "mapping", "grow_table")
        self.assertEqual(origin["held"], 1)
        self.assertGreater(origin["held_bytes"], 20 * 4096)
        self.assertEqual(origin["held_bytes"], origin["created_bytes"] - origin["closed_bytes"])

    def test_threads_and_children(self):
        def check(row):
            disease, kind, function = row
            sick = trace("--kind", kind, "--", self.held, disease)
            found = origins_in(sick, kind, function)
            if not found or found[0]["growth"] != "growing":
                return f"not named: {growing(sick)}"
            if disease == "zombie" and found[0]["ended"] < found[0]["held"] - 3:
                return f"{found[0]['ended']} zombies of {found[0]['held']}"
            return growing(trace("--kind", kind, "--", self.held, disease, "healthy"))
        self.each([("thread", "thread", "start_helper"), ("zombie", "child", "run_job"),
                   ("child", "child", "start_worker")], check)

    def test_pairs(self):
        def check(row):
            disease, pair, kind, function = row
            sick = trace("--pair", pair, "--", self.pairs, disease)
            found = origins_in(sick, kind, function)
            if not found or found[0]["growth"] != "growing":
                return f"{disease} is not named: {growing(sick)}"
            return growing(trace("--pair", pair, "--", self.pairs, disease, "healthy"))
        own = "lease=pairs:lease_take@2!,lease_give"
        self.each([("curl", "curl", "curl.easy", "fetch_price"), ("openssl", "openssl", "openssl.ssl", "greet_safely"),
                   ("digest", "openssl.digest", "openssl.digest", "digest_order"),
                   ("sqlite", "sqlite", "sqlite.db", "open_store"),
                   ("statement", "sqlite", "sqlite.stmt", "count_orders"),
                   ("libpq", "libpq", "libpq.conn", "ask_database"), ("zlib", "zlib", "zlib.inflate", "unpack_answer"),
                   ("glib", "glib", "glib.dir", "list_folder"), ("own", own, "lease", "take_lease")], check)

    def test_descriptors_opened_within_a_watched_function_keep_their_stack(self):
        """gzopen's return is watched, which puts another address in the place of its return address."""
        records = trace("--kind", "file,pair", "--pair", "zlib.file", "--", self.pairs, "gzip", seconds=2)
        for kind in ("file", "zlib.file"):
            found = origins_in(records, kind, "read_log")
            self.assertTrue(found, kind)
            # gzopen itself has no frame: it ends with a jump into the function that opens.
            self.assertIn("main", [f.get("function") for f in found[0]["stack"]], kind)

    def expect_of_a_running_process(self, command, options, kind, function):
        """An origin of this function; a longer trace where a busy machine let the program do nothing meanwhile."""
        with subprocess.Popen(command) as process:
            try:
                for seconds in (3, 10, 30):
                    sick = trace(*options, process.pid, seconds=seconds)
                    if origins_in(sick, kind, function):
                        return
            finally:
                process.kill()
        self.fail(growing(sick))

    def test_a_pair_of_a_running_process(self):
        self.expect_of_a_running_process([self.pairs, "sqlite"], ["--pair", "sqlite"], "sqlite.db", "open_store")

    def heap(self, command, function, *options):
        sick = trace("--heap", *options, "--", *command, seconds=4)
        found = origins_in(sick, "heap", function)
        if not found or found[0]["growth"] != "growing":
            return f"{command} is not named: {growing(sick)}"
        return found[0]

    def test_the_heap_in_c_cpp_and_rust(self):
        def check(row):
            command, function, block = row
            found = self.heap(command, function)
            if isinstance(found, str):
                return found
            if any("libplumb-heap" in f.get("module", "") for f in found["stack"]):
                return f"{command}: the sampler stands in the stack"
            share = found["held_bytes"] / max(found["held"], 1)
            if not 0.5 * block < share < 2 * block:
                return f"{command}: blocks of {share} bytes instead of {block}"
            return growing(trace("--heap", "--", *command, "healthy"))
        self.each([([self.held, "heap"], "keep_order", 4096), ([self.cpp], "keep_orders", 8000),
                   ([self.rust], "keep_orders", 8000)], check)

    def test_the_heap_of_other_allocators(self):
        folder = pathlib.Path("/usr/lib/x86_64-linux-gnu")

        def check(library):
            # The sampler stands first, as plumb put it; the allocator is preloaded behind it.
            found = self.heap(["sh", "-c", f'LD_PRELOAD="$LD_PRELOAD:{folder / library}" exec {self.cpp}'],
                              "keep_orders")
            return found if isinstance(found, str) else None
        self.each(["libjemalloc.so.2", "libmimalloc.so.2.0", "libtcmalloc_minimal.so.4"], check)

    def test_the_estimate_is_right(self):
        """20,000 blocks of 4 KiB with a mark on every 8 KiB: 10,000 marks, whose number strays by a hundredth."""
        records = trace("--heap", "--heap-every", "8KiB", "--", self.held, "heap", "sick", "100", seconds=30)
        [origin] = origins_in(records, "heap", "keep_order")
        self.assertAlmostEqual(origin["created"] / 20000, 1, delta=0.05)
        self.assertAlmostEqual(origin["held_bytes"] / (20000 * 4096), 1, delta=0.05)
        self.assertEqual(origin["closed"], 0)

    def test_the_heap_of_a_running_process(self):
        self.expect_of_a_running_process([self.held, "heap"], ["--heap"], "heap", "keep_order")

    def test_a_program_on_the_runtime_tells_of_its_own_kinds(self):
        with tempfile.TemporaryFile("w+") as said, \
                subprocess.Popen([EXAMPLES / "echo_server"], stdout=said) as server:
            try:
                with subprocess.Popen([PLUMB, "trace", "--json", "--min-age", "0s", "--for", "3s", str(server.pid)],
                                      stdout=subprocess.PIPE, text=True) as plumb:
                    held = []
                    while plumb.poll() is None:  # some come after the trace has begun
                        said.seek(0)
                        place = said.readline().strip()
                        if place:
                            host, port = place.rsplit(":", 1)
                            held.append(socket.create_connection((host, int(port)), timeout=10))
                        time.sleep(0.2)
                    records = [json.loads(line) for line in plumb.stdout.read().splitlines()]
                for connection in held:
                    connection.close()
            finally:
                server.kill()
        told = {o["kind"] for o in records if o["record"] == "origin"}
        self.assertIn("task", told)

    def test_mistakes_are_said(self):
        for arguments in (["--pair", "nonsense"], ["--pair", "a=b"], ["--pairs", "/nowhere"], ["--heap-every", "3"]):
            done = subprocess.run([PLUMB, "trace", *arguments, "--", "true"], capture_output=True, check=False,
                                  timeout=60)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr, arguments)

    def test_descriptors_alone_cost_no_hooks_of_other_kinds(self):
        records = trace("--", self.held, "mapping", seconds=1)
        self.assertEqual([o for o in records["origin"] if o["kind"] == "mapping"], [])


if __name__ == "__main__":
    main()
