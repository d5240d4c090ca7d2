#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb record, report and diff: a report that was printed where it was recorded, and the same one from the
file: by nobody, in a root of its own without the programs, and without a kernel's help."""
import concurrent.futures
import contextlib
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program, run  # noqa: E402  (after the path)

PLUMB = program("plumb")
NOBODY = 65534


def plumb(*arguments, **options):
    return subprocess.run([PLUMB, *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=120, **options)


class Recordings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="plumb-record-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.leaks = cls.folder / "leaks"
        run("gcc", "-O2", "-g", "-pthread", ROOT / "cases/specimens/c/leaks.c", "-o", cls.leaks)
        cls.file = cls.folder / "run.plumb"
        cls.live = cls.record(cls.file, "tcp", "--pprof", cls.folder / "live.pb.gz", "--html", cls.folder / "live.html",
                              "--folded", cls.folder / "live.folded")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def record(cls, file, disease, *options, seconds=5):
        done = plumb("record", "-o", file, "--for", f"{seconds}s", "--min-age", "300ms", *options, "--", cls.leaks,
                     disease)
        if done.returncode not in (0, 1):
            raise AssertionError(f"plumb record ended with {done.returncode}: {done.stderr.decode()}")
        return done

    def elsewhere(self):
        """A root with plumb, its libraries and the recording, and nothing else."""
        root = self.folder / "root"
        if not root.exists():
            for line in run("ldd", PLUMB).splitlines():
                library = re.search(r"(/\S+) \(0x", line)
                if library:
                    target = root / library.group(1).lstrip("/")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(library.group(1), target)
            shutil.copy(PLUMB, root / "plumb")
            shutil.copy(self.file, root / "run.plumb")
            (root / "run.plumb").chmod(0o644)
            (root / "out").mkdir()
            (root / "out").chmod(0o777)
            self.folder.chmod(0o755)
        return root

    def report_elsewhere(self, *options):
        return subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "chroot",
                               f"--userspec={NOBODY}:{NOBODY}", self.elsewhere(), "/plumb", "report", "/run.plumb",
                               *options], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)

    def test_the_report_is_the_same_elsewhere_byte_for_byte(self):
        self.assertIn(b"growing", self.live.stdout)
        self.assertIn(b"ask_server", self.live.stdout)
        self.assertIn(b"leaks.c:", self.live.stdout)
        there = self.report_elsewhere("--pprof", "/out/a.pb.gz", "--html", "/out/a.html", "--folded", "/out/a.folded")
        self.assertEqual(there.stderr, b"")
        self.assertEqual(there.stdout, self.live.stdout)
        self.assertEqual(there.returncode, self.live.returncode)
        for name, live in (("a.pb.gz", "live.pb.gz"), ("a.html", "live.html"), ("a.folded", "live.folded")):
            self.assertEqual((self.elsewhere() / "out" / name).read_bytes(), (self.folder / live).read_bytes(), name)

    def test_json_and_build_ids_too(self):
        file = self.folder / "json.plumb"
        live = self.record(file, "file", "--json", "--closed", seconds=3)
        self.assertEqual(plumb("report", file, "--json").stdout, live.stdout)
        note = run("readelf", "-n", self.leaks)
        build_id = re.search(r"Build ID: ([0-9a-f]+)", note)
        if build_id:
            self.assertIn(build_id.group(1).encode(), live.stdout)

    def test_a_process_that_is_chosen_by_its_pid(self):
        with subprocess.Popen([self.leaks, "eventfd"], stdin=subprocess.DEVNULL) as running:
            try:
                file = self.folder / "pid.plumb"
                live = plumb("record", str(running.pid), "-o", file, "--for", "2s", "--min-age", "300ms")
            finally:
                running.kill()
        self.assertIn(b"make_signal", live.stdout)
        self.assertEqual(plumb("report", file).stdout, live.stdout)

    def test_diff_names_what_grew(self):
        between = plumb("diff", self.file, "--from", "1500ms")
        self.assertEqual(between.returncode, 1, between.stderr)
        self.assertIn(b"ask_server", between.stdout)
        self.assertRegex(between.stdout, rb"\+\d+ ")
        other = self.folder / "file.plumb"
        self.record(other, "file", seconds=3)
        both = plumb("diff", self.file, other)
        self.assertEqual(both.returncode, 1, both.stderr)
        grew, fewer = both.stdout.find(b"read_settings"), both.stdout.find(b"ask_server")
        self.assertGreater(grew, 0)
        self.assertGreater(fewer, grew)
        same = plumb("diff", self.file, self.file)
        self.assertEqual(same.returncode, 0)
        self.assertIn(b"0 origins differ", same.stdout)
        self.assertEqual(plumb("diff", self.file, other, "--from", "1s").returncode, 2)
        self.assertEqual(plumb("diff", self.file, "--from", "4s", "--to", "1s").returncode, 2)

    def test_other_kinds_are_recorded_and_compared(self):
        held = self.folder / "held"
        run("gcc", "-O2", "-pthread", ROOT / "cases/specimens/c/held.c", "-o", held)
        rows = {"mapping": (("--kind", "mapping"), b"map_window"), "thread": (("--kind", "thread"), b"start_helper"),
                "child": (("--kind", "child"), b"start_worker"), "zombie": (("--kind", "child"), b"run_job"),
                "heap": (("--heap", "--heap-every", "4KiB"), b"keep_order"),
                "grown": (("--pair", "window=libc.so.6:mmap,munmap"), b"grow_table")}

        def record(disease):
            return plumb("record", "-o", self.folder / f"{disease}.kind", "--for", "3s", "--min-age", "200ms",
                         *rows[disease][0], "--", held, disease)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            lives = dict(zip(rows, pool.map(record, rows)))
        for disease, (_, guilty) in rows.items():
            with self.subTest(disease):
                file = self.folder / f"{disease}.kind"
                self.assertIn(guilty, lives[disease].stdout, lives[disease].stderr)
                there = plumb("report", file)
                self.assertEqual((there.stderr, there.stdout), (b"", lives[disease].stdout))
                if disease == "grown":
                    self.assertIn(b" window", there.stdout)
                    continue
                grew = plumb("diff", file, "--from", "100ms")
                self.assertEqual(grew.returncode, 1, grew.stdout + grew.stderr)
                self.assertIn(guilty, grew.stdout)

    def test_an_explanation_is_the_same_elsewhere_byte_for_byte(self):
        file, page = self.folder / "explained.plumb", self.folder / "explained.html"
        secret = "hunter2hunter2"
        with subprocess.Popen([self.leaks, "eventfd", f"--password={secret}"],
                              stdin=subprocess.DEVNULL) as running:
            try:
                live = plumb("explain", str(running.pid), "--record", file, "--html", page)
            finally:
                running.kill()
        self.assertIn(b"make_signal", live.stdout, live.stderr)
        again = self.folder / "again.html"
        there = plumb("report", "--explain", file, "--html", again)
        self.assertEqual(there.stderr, b"")
        self.assertEqual(there.stdout, live.stdout)
        self.assertEqual(there.returncode, live.returncode)
        self.assertEqual(again.read_bytes(), page.read_bytes())
        self.assertNotIn(secret.encode(), file.read_bytes())

    def test_every_recording_can_be_explained(self):
        file = self.folder / "both.plumb"
        live = self.record(file, "eventfd", "--explain", "--json", seconds=3)
        self.assertIn(b'"record":"explanation"', live.stdout)
        there = plumb("report", "--explain", "--json", file)
        self.assertEqual((there.stderr, there.stdout), (b"", live.stdout))
        self.assertIn(b"make_signal", plumb("report", file).stdout)
        text = (ROOT / "docs/recording.md").read_text()
        known = set(re.findall(r"^\| `(\w+)` \|", text.split("## The objects of `fact`")[1].split("\n## ")[0],
                               re.MULTILINE))
        with sqlite3.connect(file) as database:
            records = {row[0] for row in database.execute("SELECT DISTINCT record FROM fact")}
            self.assertGreaterEqual(records, {"observation", "process", "thread", "tracked"})
            self.assertLessEqual(records, known)

    def test_facts_that_find_no_room_are_left_out_and_that_is_said(self):
        file = self.folder / "tight.plumb"
        with contextlib.ExitStack() as stack:
            for one in range(100):  # processes whose command lines alone are more than there is room for
                crowd = subprocess.Popen(["sh", "-c", "read word", f"{one:04}" * 1000], stdin=subprocess.PIPE)
                stack.callback(crowd.communicate)
            done = self.record(file, "tcp", "--max-size", "256KiB", seconds=1)
        self.assertIn(b"no room for what plumb report --explain needs", done.stderr)
        self.assertLessEqual(file.stat().st_size, 256 * 1024)
        self.assertIn(plumb("report", file).returncode, (0, 1))
        explained = plumb("report", "--explain", file)
        self.assertEqual((explained.returncode, explained.stdout), (3, b""))
        self.assertIn(b"nothing that an explanation could be made from", explained.stderr)

    def test_a_killed_recorder_leaves_what_it_had_written(self):
        file = self.folder / "killed.plumb"
        with subprocess.Popen([self.leaks, "file"], stdin=subprocess.DEVNULL) as running:
            with subprocess.Popen([PLUMB, "record", str(running.pid), "-o", file, "--min-age", "300ms"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as recorder:
                try:
                    self.wait_for_holdings(file)
                finally:
                    recorder.kill()
                    running.kill()
        told = plumb("report", file)
        self.assertIn(told.returncode, (0, 1), told.stderr)
        self.assertIn(b"read_settings", told.stdout)

    def wait_for_holdings(self, file):
        """Until the recorder has written some of what leaks."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.2)
            try:
                with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
                    if database.execute("SELECT max(live) FROM site WHERE special = 16").fetchone()[0] > 60:
                        return
            except (sqlite3.Error, TypeError):
                continue
        self.fail("the recorder wrote nothing")

    def test_a_newer_format_is_refused_with_both_numbers(self):
        newer = self.folder / "newer.plumb"
        shutil.copy(self.file, newer)
        with sqlite3.connect(newer) as database:
            ours = database.execute("PRAGMA user_version").fetchone()[0]
            database.execute(f"PRAGMA user_version = {ours + 41}")
        done = plumb("report", newer)
        self.assertEqual((done.returncode, done.stdout), (3, b""))
        self.assertIn(f"format {ours + 41}".encode(), done.stderr)
        self.assertIn(f"up to {ours}".encode(), done.stderr)

    def test_a_cut_file_tells_what_is_left_and_what_is_missing(self):
        cut = self.folder / "cut.plumb"
        whole = self.file.read_bytes()
        for size in (len(whole) - 1000, len(whole) - 4096):
            cut.write_bytes(whole[:size])
            done = plumb("report", cut)
            self.assertIn(done.returncode, (0, 1, 3), done.stderr)
            self.assertIn(b"missing: the end of the file", done.stderr)
        for size in (40_000, 8192, 3000, 200, 10):
            cut.write_bytes(whole[:size])
            done = plumb("report", cut)
            self.assertIn(done.returncode, (0, 1, 3), done.stderr)
            self.assertIn(b"missing: the end of the file" if size > 4096 else b"nothing is left" if size >= 100
                          else b"it is no recording", done.stderr)

    def test_what_is_no_recording_is_said_to_be_none(self):
        for path in ("/etc/passwd", "/dev/null", "/tmp", self.folder / "nowhere"):
            done = plumb("report", path)
            self.assertEqual((done.returncode, done.stdout), (3, b""), path)
            self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)

    def test_a_recording_grows_no_larger_than_it_may(self):
        file = self.folder / "small.plumb"
        with subprocess.Popen([self.leaks, "file"], stdin=subprocess.DEVNULL) as running:
            try:
                # Holdings of some 40 bytes come 50 times a second; --closed keeps nothing of them.
                done = plumb("record", str(running.pid), "-o", file, "--max-size", "256KiB", "--for", "4s")
            finally:
                running.kill()
        self.assertIn(done.returncode, (0, 1))
        self.assertLessEqual(file.stat().st_size, 256 * 1024)
        self.assertEqual(plumb("record", "1", "-o", file, "--max-size", "1KiB").returncode, 2)

    def test_the_tables_are_those_of_the_document(self):
        text = (ROOT / "docs/recording.md").read_text()
        with sqlite3.connect(self.file) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
                section = text.split(f"\n### `{table}`\n", 1)
                self.assertEqual(len(section), 2, f"no section for {table}")
                written = re.findall(r"^\| `(\w+)` \|", section[1].split("\n#", 1)[0], re.MULTILINE)
                self.assertEqual(written, [row[1] for row in database.execute(f"PRAGMA table_info({table})")],
                                 table)
            for query in re.findall(r"```sql\n(.*?)```", text, re.DOTALL):
                self.assertTrue(database.execute(query).fetchall(), query)
            self.assertIn(f"format {database.execute('PRAGMA user_version').fetchone()[0]}", text)


if __name__ == "__main__":
    main()
