#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb trace on the specimens: a program for each disease, and its healthy twin.

All diseases of one program run side by side under one trace: as many origins stand first in its report as
there are diseases, each contains the guilty function of one of them, and grows. Another trace watches the
twins, of which nothing may grow. One disease of each program is traced from its first instruction.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import by_record, main, program, run  # noqa: E402  (after the path)
from waiting import wait_until  # noqa: E402

PLUMB = program("plumb")
SPECIMENS = ROOT / "cases/specimens"
# Traces at a time: two plumbs must not disturb each other.
AT_ONCE = 3
# Seconds of a trace beside others, and of the second try alone. A specimen goes on for 36 s, and what it does no
# more does not grow.
FIRST, AGAIN = 4, 12

C_GUILTY = {
    "file": "read_settings", "tcp": "ask_server", "accept": "serve_one", "child-pipe": "start_worker",
    "eventfd": "make_signal", "epoll": "watch_one", "inotify": "follow_directory", "dup": "copy_output",
    "passed": "take_descriptor", "error-path": "open_valid",
}
CPP_GUILTY = {
    "file": "shop::Cache<", "tcp": "shop::Till::ask_server", "accept": "shop::Till::serve_one",
    "child-pipe": "shop::start_worker", "eventfd": "shop::wake_worker", "epoll": "shop::Watcher::operator()",
    "inotify": "shop::follow_directory", "dup": "shop::copy_output", "passed": "shop::Counter::take_descriptor",
    "error-path": "shop::parse_order",
}
GO_GUILTY = {
    "file": "main.readSettings", "tcp": "main.askServer", "accept": "main.serveOne",
    "child-pipe": "main.startWorker", "eventfd": "main.makeSignal", "epoll": "main.watchOne",
    "inotify": "main.followDirectory", "dup": "main.copyOutput", "passed": "main.takeDescriptor",
    "error-path": "main.openValid",
}
RUST_GUILTY = {**C_GUILTY, "dup": "copy_listener"}
PYTHON_GUILTY = C_GUILTY
NODE_GUILTY = {"file": "readSettings", "unix": "askDaemon", "child-pipe": "startWorker", "error-path": "openValid"}


def specimens(folder):
    """[(name, command, {disease: guilty function})], built into the folder."""
    c, cpp, rust = SPECIMENS / "c/leaks.c", SPECIMENS / "cpp/leaks.cc", SPECIMENS / "rust/leaks.rs"
    go = ["go", "build"], {"env": {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}}
    gcc, gxx, rustc = ["gcc", "-O2", "-pthread"], ["g++", "-std=c++20", "-O2", "-pthread"], ["rustc", "-O"]
    plain, keep = {}, "-fno-omit-frame-pointer"
    table = [
        ("C", [*gcc, c], plain, C_GUILTY),
        ("C with frame pointers", [*gcc, keep, c], plain, C_GUILTY),
        ("C, static", [*gcc, "-static", c], plain, C_GUILTY),
        ("C, not position-independent", [*gcc, "-no-pie", c], plain, C_GUILTY),
        ("C++", [*gxx, cpp], plain, CPP_GUILTY),
        ("C++ with frame pointers", [*gxx, keep, cpp], plain, CPP_GUILTY),
        ("Go", [*go[0], SPECIMENS / "go/leaks.go"], go[1], GO_GUILTY),
        ("Go, stripped", [*go[0], "-ldflags=-s -w", SPECIMENS / "go/leaks.go"], go[1], GO_GUILTY),
        ("Rust", [*rustc, "-Csymbol-mangling-version=v0", rust], plain, RUST_GUILTY),
    ]
    built = []
    for number, (name, command, options, guilty) in enumerate(table):
        target = folder / f"specimen{number}"
        # go build takes its options before the files, the others anywhere
        built.append((name, [*command[:2], "-o", target, *command[2:]], options, [target], guilty))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda row: run(*row[1], **row[2]), built))
    return [(name, command, guilty) for name, _, _, command, guilty in built] + [
        ("Python", ["/usr/bin/python3", SPECIMENS / "python/leaks.py"], PYTHON_GUILTY),
        ("Node", ["node", SPECIMENS / "node/leaks.js"], NODE_GUILTY),
        ("Node with a perf map", ["node", "--perf-basic-prof", SPECIMENS / "node/leaks.js"], NODE_GUILTY),
    ]


def loses(process):
    """Whether its descriptors are seen to become more, three times: interpreters take their time to start."""
    seen = []

    def more():
        seen.append(len(os.listdir(f"/proc/{process.pid}/fd")))
        return sum(after > before for before, after in zip(seen, seen[1:])) >= 3
    return wait_until(more)


def trace(*arguments, seconds=3, folder="/"):
    """The records of a trace, by their names."""
    done = subprocess.run([PLUMB, "trace", "--json", "--min-age", "300ms", "--for", f"{seconds}s", *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120, cwd=folder)
    if done.returncode not in (0, 1):
        raise AssertionError(f"plumb trace ended with {done.returncode}: {done.stderr.decode()}")
    return by_record(done.stdout)


def functions(frames):
    return [frame.get("function", "?") for frame in frames]


def told(origins):
    return [(origin["held"], origin["growth"], functions(origin["stack"])[:12]) for origin in origins]


class Specimens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="plumb-specimens-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.specimens = specimens(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def every(self, check, some=None):
        """Runs check(command, guilty, seconds) for every specimen, or some by name, and names those with a fault.
        Who fails beside others is tried once more, alone and longer: a trace that gets no processor sees no trend."""
        chosen = [row for row in self.specimens if some is None or row[0] in some]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            faults = list(pool.map(lambda row: check(*row[1:], FIRST), chosen))
        again = [(row[0], check(*row[1:], AGAIN)) for row, fault in zip(chosen, faults) if fault]
        wrong = [f"{name}: {fault}" for name, fault in again if fault]
        self.assertEqual(wrong, [])

    def origins(self, command, diseases, *twin, seconds=FIRST):
        """The origins of one trace of all these diseases, which run side by side."""
        running = [subprocess.Popen([*command, disease, *twin], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, cwd=self.folder) for disease in diseases]
        try:
            if not twin:
                self.assertTrue(all(loses(one) for one in running), command)
            return trace(*(str(one.pid) for one in running), seconds=seconds).get("origin", [])
        finally:
            for one in running:
                one.terminate()
                one.wait()
                pathlib.Path(f"/tmp/perf-{one.pid}.map").unlink(missing_ok=True)

    def test_the_first_origins_contain_the_guilty_functions(self):
        def check(command, guilty, seconds):
            # Node's specimen also holds the other ends of its clients, and its children their own things.
            first = self.origins(command, guilty, seconds=seconds)[:len(guilty) if command[0] != "node" else 10]
            missing = [name for name in guilty.values() if not any(
                origin["growth"] == "growing" and any(name in function for function in functions(origin["stack"]))
                for origin in first)]
            return f"{missing} not among {told(first)}" if missing else None
        self.every(check)

    def test_on_the_healthy_twins_nothing_grows(self):
        def check(command, guilty, seconds):
            origins = self.origins(command, guilty, "healthy", seconds=seconds)
            return told(origin for origin in origins if origin["growth"] == "growing")
        self.every(check)

    def test_from_the_first_instruction_on(self):
        def check(command, guilty, seconds):
            # An interpreter's start is no part of the disease, and takes its time on a busy machine.
            seconds *= 2 if command[0] == "node" else 1
            origins = trace("--", *command, "file", seconds=seconds, folder=self.folder).get("origin", [])
            if not origins or origins[0]["growth"] != "growing":
                return told(origins)
            names = functions(origins[0]["stack"])
            return None if any(guilty["file"] in name for name in names) else names
        self.every(check, {"C++", "C, static", "Go, stripped", "Rust", "Python", "Node"})

    def test_what_nodes_event_loop_does_has_the_frames_of_node(self):
        expected = {"tcp": ("tcp", "internalConnect"), "accept": ("tcp", "uv__server_io"),
                    "inotify": ("inotify", "followDirectory")}

        def check(command, _, seconds):
            origins = self.origins(command, expected, seconds=seconds)
            missing = [name for kind, name in expected.values() if not any(
                o["kind"] == kind and o["growth"] == "growing" and name in functions(o["stack"]) for o in origins)]
            return f"{missing} not among {told(origins)}" if missing else None
        self.every(check, {"Node"})

    def test_python_in_a_thread_of_its_own(self):
        text = (SPECIMENS / "python/leaks.py").read_text(encoding="utf-8").splitlines()
        [opens] = [number for number, line in enumerate(text, 1) if 'open("/etc/passwd"' in line]

        def check(command, _, seconds):
            first = self.origins(command, ["thread"], seconds=seconds)[0]
            lines = [frame.get("line") for frame in first["stack"] if frame.get("function") == "read_settings"]
            return None if lines == [opens] and "infect" not in functions(first["stack"]) else told([first])
        self.every(check, {"Python"})

    def test_javascript_functions_have_their_file_and_line(self):
        path = SPECIMENS / "node/leaks.js"
        text = path.read_text(encoding="utf-8").splitlines()
        lines = {name: number for number, line in enumerate(text, 1) for name in NODE_GUILTY.values()
                 if line.startswith(f"function {name}(")}
        self.assertEqual(set(lines), set(NODE_GUILTY.values()))

        def check(command, guilty, seconds):
            origins = self.origins(command, guilty, seconds=seconds)
            seen = {frame["function"]: (frame.get("file"), frame.get("line"))
                    for origin in origins for frame in origin["stack"] if frame.get("function") in lines}
            expected = {name: (str(path), line) for name, line in lines.items()}
            if seen != expected:
                return seen
            # What is under JavaScript's frames, and in their midst, is in its place.
            expected = ["openSync", "readSettings", "listOnTimeout", "uv_run", "node::Start(int, char**)"]
            stacks = [functions(origin["stack"]) for origin in origins]
            orders = [[name for name in stack if name in expected] for stack in stacks if "readSettings" in stack]
            return None if expected in orders else stacks
        self.every(check, {"Node"})

    def test_a_program_in_another_root(self):
        root = self.folder / "root"
        root.mkdir()
        static = next(command for name, command, _ in self.specimens if name == "C, static")[0]
        # As in a container: a root on a file system that is mounted in no other namespace.
        script = 'mount -t tmpfs none "$1" && mkdir "$1/etc" && touch "$1/etc/passwd" && cp "$2" "$1/leaks" && ' \
                 'exec chroot "$1" /leaks file'
        origins = trace("--", "unshare", "--mount", "sh", "-c", script, "sh", root, static)["origin"]
        self.assertIn("read_settings", functions(origins[0]["stack"]), told(origins))
        self.assertFalse((root / "leaks").exists())

    def test_profiles_that_go_tool_pprof_reads(self):
        def profile(name, seconds):
            path = self.folder / name
            trace("--pprof", path, "--", *self.specimens[0][1], "tcp", seconds=seconds)
            return path

        def top(*arguments):
            return run("go", "tool", "pprof", "-top", *arguments)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            short, long = pool.map(profile, ("short.pb.gz", "long.pb.gz"), (2, 6))
        for sample in "open", "created", "age":
            self.assertRegex(top(f"-sample_index={sample}", long), f"Type: {sample}\n")
        self.assertRegex(top(long), r"File: specimen0\n")
        self.assertRegex(top("-cum", long), r"\d+ +[0-9.]+% +ask_server")
        grown = re.search(r"(\d+) +[0-9.]+% +ask_server", top("-cum", "-diff_base", short, long))
        self.assertGreater(int(grown.group(1)), 20)
        tags = run("go", "tool", "pprof", "-tags", long)
        self.assertRegex(tags, r"(?s)kind: .*: tcp\n.*peer: .*: ")

    def test_the_page_is_whole(self):
        path = self.folder / "page.html"
        found = trace("--html", path, "--", *self.specimens[0][1], "file")
        page = path.read_text(encoding="utf-8")
        self.assertNotRegex(page, r"(src|href)=|@import|url\(")  # needs nothing else
        data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1))
        self.assertEqual([row for row in data if row["record"] == "origin"], found["origin"])
        script = self.folder / "page.js"
        script.write_text(re.search(r"<script>(.*?)</script>", page, re.S).group(1), encoding="utf-8")
        run("node", "--check", script)

    def test_a_pool_that_fills_and_stays_is_no_leak(self):
        origins = trace("--", *self.specimens[0][1], "pool", seconds=7)["origin"]
        self.assertEqual(origins[0]["held"], 50)
        self.assertEqual([o for o in origins if o["growth"] == "growing"], [])

    def test_a_listener_closed_by_a_finalizer(self):
        def check(command, _, seconds):
            closed = [c for c in trace("--", *command, "finalizer", seconds=seconds).get("closed", [])
                      if c["finalizer"] and c.get("port")]
            if not closed or "main.keepDuplicateOnly" not in functions(closed[0]["stack"]) or \
                    "runtime.runfinq" not in functions(closed[0]["closer"]):
                return closed or "no listener was closed by a finalizer"
            healthy = trace("--", *command, "finalizer", "healthy", seconds=seconds).get("closed", [])
            return [c for c in healthy if c["finalizer"]]
        self.every(check, {"Go", "Go, stripped"})


if __name__ == "__main__":
    main()
