#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb goroutines against the runtime's own profile of the same process, for each Go that is installed:
whole, stripped and position-independent."""
import collections
import contextlib
import pathlib
import re
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/support"), str(pathlib.Path(__file__).parent)]
from go_builds import GoBuilds  # noqa: E402  (after the path)
from scripted import main, program, rows, run  # noqa: E402

PLUMB = program("plumb")


@contextlib.contextmanager
def running(*command):
    """The program, from when it has printed its address, which is `.address`."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.address = process.stdout.readline().strip()
            yield process
        finally:
            process.kill()


def fetch(address, query):
    with urllib.request.urlopen(f"http://{address}/debug/pprof/goroutine?{query}", timeout=30) as answer:
        return answer.read().decode()


def profile_groups(address):
    """{stack as ((function, file, line), …): count} of the runtime's profile."""
    groups = collections.Counter()
    for block in fetch(address, "debug=1").split("\n\n"):
        head = re.search(r"^(\d+) @", block, re.MULTILINE)
        if head:
            frames = re.findall(r"^#\t0x[0-9a-f]+\t(\S+)\+0x[0-9a-f]+\s+(\S+):(\d+)$", block, re.MULTILINE)
            groups[tuple((name, file, int(line)) for name, file, line in frames)] += int(head.group(1))
    return groups


def goroutines(pid, *options):
    """The records of plumb goroutines: (groups, summary)."""
    done = subprocess.run([PLUMB, "goroutines", str(pid), "--json", *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=True, timeout=60)
    told = rows(done.stdout)
    return told[:-1], told[-1]


def of_runtime(frame):
    return frame[0].startswith(("runtime.", "internal/runtime/"))


def shown(group):
    """A group's stack as the runtime's profile shows it: without goexit and the innermost runtime frames."""
    frames = [(f["function"], f["file"], f["line"]) for f in group["stack"]]
    if frames and frames[-1][0].startswith("runtime.goexit"):
        frames.pop()
    first = next((i for i, frame in enumerate(frames) if not of_runtime(frame)), 0)
    return tuple(frames[first:])


def plumb_groups(pid):
    groups = collections.Counter()
    for group in goroutines(pid)[0]:
        groups[shown(group)] += group["count"]
    return groups


def without_serving(groups):
    """Without the connection that asks for the profile, which only one of the two looks can be in; its reader may
    just have been created and have no frame yet."""
    return {stack: count for stack, count in groups.items()
            if stack and not any(f[0].startswith(("net/http.(*conn).", "net/http.(*connReader).")) for f in stack)}


class Goroutines(GoBuilds):
    source = "waiting.go"
    maxDiff = 20000

    def test_groups_are_those_of_the_runtime(self):
        for name, path in self.programs.items():
            with self.subTest(name), running(path) as process:
                theirs = without_serving(profile_groups(process.address))
                ours = without_serving(plumb_groups(process.pid))
                self.assertGreater(len(theirs), 15)
                self.assertEqual(ours, theirs)

    def states_and_creators(self, process):
        """{goroutine: state} and {goroutine: creator}, as the runtime and as plumb tell them a moment later."""
        blocks = fetch(process.address, "debug=2").split("\n\n")
        theirs, creators = {}, {}
        for block in blocks:
            head = re.match(r"goroutine (\d+) \[([^,\]]+)", block)
            # What serves the profile does something else by the time that plumb looks.
            if "net/http.(*conn" not in block:
                theirs[int(head.group(1))] = head.group(2)
            creator = re.search(r"^created by (\S+)", block, re.MULTILINE)
            if creator:
                creators[int(head.group(1))] = creator.group(1)
        groups, summary = goroutines(process.pid)
        self.assertTrue(summary["go_version"].startswith("go1."))
        ours = {member["id"]: member["doing"] for group in groups for member in group["members"]}
        made = {member["id"]: group["creators"][0]["stack"][-1]["function"] for group in groups
                if len(group["creators"]) == 1 and group["creators"][0]["stack"]
                for member in group["members"]}
        return theirs, {number: ours.get(number) for number in theirs}, creators, made

    def test_states_and_creators_are_those_of_the_runtime(self):
        for name, path in self.programs.items():
            with self.subTest(name), running(path) as process:
                # On a busy machine one may be about to run at either look.
                for _ in range(5):
                    theirs, ours, creators, made = self.states_and_creators(process)
                    if ours == theirs:
                        break
                self.assertEqual(ours, theirs)
                self.assertGreater(len(theirs), 20)
                both = theirs.keys() & made.keys() & creators.keys()
                self.assertGreater(len(both), 20)
                self.assertEqual({n: made[n] for n in both}, {n: creators[n] for n in both})

    def test_age_is_known_after_two_collections(self):
        for name, path in self.programs.items():
            with self.subTest(name), running(path) as process:
                old = [group for group in goroutines(process.pid)[0] if group.get("longest", 0) > 0]
                self.assertGreater(len(old), 10)
                self.assertTrue(all(group["longest"] < 120 for group in old))

    def test_goroutines_that_come_and_go(self):
        for name, path in self.programs.items():
            with self.subTest(name), running(path, "churn") as process:
                lasting = {stack: count for stack, count in without_serving(profile_groups(process.address)).items()
                           if not any(f[0] in ("main.brief", "main.churn") for f in stack)
                           and not all(map(of_runtime, stack))}
                for _ in range(10):
                    ours = collections.Counter()
                    for group in goroutines(process.pid)[0]:
                        ours[shown(group)] += group["count"]
                        names = [f["function"] for f in group["stack"]]
                        if group["read"] == "whole":
                            self.assertTrue(names[-1].startswith("runtime.goexit"), names)
                        self.assertLessEqual(names.count("main.brief"), 30, names)
                    self.assertEqual({stack: ours[stack] for stack in lasting}, lasting)

    def test_the_profile_opens(self):
        for name, path in self.programs.items():
            with self.subTest(name), running(path) as process:
                file = self.folder / "goroutines.pb.gz"
                run(PLUMB, "goroutines", str(process.pid), "--pprof", file)
                top = run("go", "tool", "pprof", "-top", file)
                self.assertIn("Type: goroutine", top)
                self.assertRegex(top, r"runtime\.gopark")
                self.assertIn("main.deep", run("go", "tool", "pprof", "-traces", file))

    def test_the_text(self):
        path = next(iter(self.programs.values()))
        with running(path) as process:
            text = run(PLUMB, "goroutines", str(process.pid))
            self.assertRegex(text, r"^\d+ goroutines of go\S+\(\d+\) in \d+ groups · go1\.\d+")
            self.assertRegex(text, r"(?m)^3  sleep, for about .*\n +time\.Sleep +\S+:\d+\n +created by main\.")
            self.assertNotIn("bgsweep", text)
            self.assertIn("bgsweep", run(PLUMB, "goroutines", str(process.pid), "--all"))

    def test_a_version_that_no_table_knows(self):
        for name, path in self.programs.items():
            if not name.endswith("stripped"):
                continue
            version = name.split()[0].encode()
            unknown = version[:4] + b"9" * (len(version) - 4)  # go1.9999
            other = path.with_name(path.name + "-unknown")
            other.write_bytes(path.read_bytes().replace(version, unknown))
            other.chmod(0o755)
            with self.subTest(name), running(other) as process:
                groups, summary = goroutines(process.pid)
                self.assertEqual(summary["go_version"], unknown.decode())
                self.assertIn("(guessed)", summary["layout"])
                self.assertGreater(len(groups), 15)
                self.assertIn("the version of Go is unknown to plumb", run(PLUMB, "goroutines", str(process.pid)))

    def test_who_has_no_goroutines(self):
        with subprocess.Popen(["sleep", "60"]) as process:
            try:
                done = subprocess.run([PLUMB, "goroutines", str(process.pid)], capture_output=True, text=True,
                                      check=False)
            finally:
                process.kill()
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("find Go in", done.stderr)
        gone = subprocess.run([PLUMB, "goroutines", str(process.pid)], capture_output=True, text=True, check=False)
        self.assertEqual((gone.returncode, gone.stdout), (2, ""))


if __name__ == "__main__":
    main()
