#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb check on what is no descriptor: threads and children as anybody; memory, pairs and what a program tells of
itself as root. A specimen of each, its healthy twin, and programs that lose nothing."""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from gate import NOBODY, GateTest, functions_of  # noqa: E402  (after the path)
from scripted import main, run  # noqa: E402

SPECIMENS = ROOT / "cases/specimens"
EXAMPLES = pathlib.Path(os.environ["PLUMB_EXAMPLES"])


class CheckKinds(GateTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.left, cls.pairs = cls.folder / "left", cls.folder / "pairs"
        cls.cpp, cls.rust = cls.folder / "left-cpp", cls.folder / "left-rust"
        run("gcc", "-g", "-O2", "-pthread", "-o", cls.left, SPECIMENS / "c/left.c")
        run("g++", "-g", "-O2", "-std=c++20", "-o", cls.cpp, SPECIMENS / "cpp/left.cc")
        run("rustc", "-O", "-o", cls.rust, SPECIMENS / "rust/left.rs")
        libraries = run("pkg-config", "--cflags", "--libs", "glib-2.0", "libpq", "libcurl", "openssl", "sqlite3",
                        "zlib").split()
        run("gcc", "-O2", "-o", cls.pairs, SPECIMENS / "c/pairs.c", *libraries)

    def caught(self, options, command, kind, guilty, count, user=None):
        """What is wrong where the sick one is not told with its guilty function, or the healthy one is."""
        status, leaks = self.leaks(*options, "--", *command, user=user)
        found = [leak for leak in leaks if leak["kind"] == kind and any(guilty in name for name in functions_of(leak))]
        # What one function leaks may come from several lines of it.
        if status != 1 or found != leaks or sum(leak["count"] for leak in found) != count:
            return command, user, status, leaks
        twin = ["healthy" if word == "sick" else word for word in command]
        twin = twin if "healthy" in twin else [*twin, "healthy"]
        done = self.check(*options, "--", *twin, user=user)
        return (twin, user, done.returncode, done.stderr) if done.returncode != 0 else None

    def test_threads_and_children(self):
        rows = [("thread", "thread", "thread", "start_watcher"), ("child", "zombie", "zombie", "ask_once"),
                ("child", "orphan", "process", "start_orphan"), ("child", "running", "process", "start_helper")]

        def one(row):
            (asked, disease, kind, guilty), user = row
            return self.caught(["--kind", asked], [self.left, disease], kind, guilty, 1, user)
        self.every([(row, user) for row in rows for user in (None, NOBODY)], one)
        self.assertEqual(self.check("--", self.left, "thread").returncode, 0)

    def test_memory_that_is_lost(self):
        def one(row):
            return self.caught(*row)
        self.every([
            (["--kind", "mapping"], [self.left, "mapping"], "mapping", "map_window", 3),
            (["--heap"], [self.left, "heap"], "heap", "keep_order", 5),
            (["--heap"], [self.left, "ring"], "heap", "lose_ring", 1),
            (["--heap"], [self.left, "list"], "heap", "drop_list", 6),
            (["--kind", "heap"], [self.cpp], "heap", "take_orders", 1),
            (["--kind", "heap"], [self.rust], "heap", "take_orders", 1),
        ], one)

    def test_memory_that_could_be_given_back_is_none(self):
        done = self.check("--kind", "heap,mapping", "--all", "--", self.left, "table")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"50 heap blocks \(300B\) never given back by left, from fill_table.*\(referenced\)")

    def test_pairs(self):
        own = "lease=pairs:lease_take@2!,lease_give"

        def one(row):
            pair, disease, kind, guilty = row
            return self.caught(["--pair", pair], [self.pairs, disease, "sick", "3"], kind, guilty, 3)
        self.every([("sqlite", "sqlite", "sqlite.db", "open_store"), ("curl", "curl", "curl.easy", "fetch_price"),
                    ("openssl", "openssl", "openssl.ssl", "greet_safely"), (own, "own", "lease", "take_lease")], one)

    def test_what_is_asked_for_is_told_beside_the_rest_or_alone(self):
        both = ["sh", "-c", f"{self.left} heap; {self.left} file"]
        kinds = lambda *options: sorted({leak["kind"] for leak in self.leaks(*options, "--", *both)[1]})  # noqa: E731
        self.assertEqual(kinds("--heap"), ["file", "heap"])
        self.assertEqual(kinds("--kind", "heap"), ["heap"])
        self.assertEqual(kinds("--kind", "file", "--heap"), ["file", "heap"])
        self.assertEqual(kinds(), ["file"])
        self.assertEqual(kinds("--heap", "--allow", "function:keep_order kind:heap"), ["file"])

    def test_a_killed_process_had_no_chance(self):
        done = self.check("--heap", "--", "sh", "-c", f"{self.left} heap; kill -9 $$")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.check("--kind", "heap", "--", "sh", "-c", "kill -9 $$").returncode, 137)

    def test_programs_of_debian_lose_nothing_of_what_is_asked_for(self):
        commands = [["true"], ["ls", "/"], ["bash", "-c", "x=$(ls /); echo $x"], ["grep", "-r", "x", "/etc/apt"],
                    ["git", "--version"], ["sed", "s/a/b/", "/etc/passwd"], [self.rust, "healthy"]]

        def one(command):
            done = self.check("--kind", "heap,mapping", "--", *command)
            return (command, done.returncode, done.stderr) if done.returncode != 0 else None
        self.every(commands, one)

    def test_without_root_it_says_what_is_not_followed(self):
        for options in (["--heap"], ["--kind", "mapping"], ["--pair", "sqlite"]):
            refused = self.check(*options, "--", "touch", "ran", user=NOBODY)
            self.assertEqual((refused.returncode, refused.stdout), (3, ""), options)
            self.assertIn("sudo plumb check", refused.stderr)
        reduced = self.check("--", "true", user=NOBODY)
        self.assertEqual(reduced.returncode, 0)
        self.assertRegex(reduced.stderr, r"reduced: .*mappings, the heap and pairs are not followed.*sudo plumb check")

    def test_what_cannot_be_followed_is_said(self):
        missing = self.check("--pair", "a=libnowhere.so.7:take,give", "--", "true")
        self.assertRegex(missing.stderr, r"reduced: .*libnowhere")
        for arguments in (["--pair", "nonsense"], ["--pairs", "/nowhere"], ["--heap-every", "3"]):
            self.assertEqual(self.check(*arguments, "--", "true").returncode, 2, arguments)

    def test_a_program_on_the_runtime_leaves_nothing_of_its_own_kinds(self):
        with subprocess.Popen([self.plumb, "check", "--json", "--all", "--", EXAMPLES / "echo_server"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as plumb:
            self.assertRegex(plumb.stdout.readline(), r":\d+")
            plumb.terminate()
            said, wrong = plumb.communicate(timeout=60)
        last = json.loads(said.splitlines()[-1])
        self.assertEqual((last["record"], last["leaked"]), ("check", 0), wrong + said)


if __name__ == "__main__":
    main()
