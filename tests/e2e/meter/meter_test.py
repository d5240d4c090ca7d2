#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What others make of the metrics, the ledger and the probes: promtool reads both text formats, go
tool pprof the profile, readelf the USDT notes."""
import json
import os
import re
import subprocess
import tempfile
import unittest

SAMPLE = os.environ["PLUMB_METER_SAMPLE"]
STANDARD = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
            "process_open_fds", "process_max_fds", "process_start_time_seconds"}


def sample(face):
    return subprocess.run([SAMPLE, face], check=True, capture_output=True, timeout=60).stdout


def families(text):
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


class Metrics(unittest.TestCase):
    def test_promtool_reads_the_prometheus_text_and_finds_nothing_to_say(self):
        text = sample("prometheus")
        check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
        self.assertEqual((check.returncode, check.stdout + check.stderr), (0, b""), text.decode())

    def test_promtool_refuses_what_is_no_exposition(self):
        check = subprocess.run(["promtool", "check", "metrics"], input=b"a{b=c} 1\n", capture_output=True)
        self.assertNotEqual(check.returncode, 0)

    def test_the_standard_process_metrics_are_there(self):
        self.assertLessEqual(STANDARD, families(sample("prometheus").decode()))

    def load_openmetrics(self, text):
        """promtool's OpenMetrics parser stands in its import, which wants a time on each sample."""
        stamped = re.sub(r"^([^#\n].*)$", r"\1 1700000000", text, flags=re.MULTILINE)
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/page", "w", encoding="utf-8") as page:
                page.write(stamped)
            return subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics",
                                   f"{folder}/page", f"{folder}/blocks"], capture_output=True, text=True)

    def test_promtool_reads_openmetrics(self):
        text = sample("openmetrics").decode()
        self.assertTrue(text.endswith("# EOF\n"))
        loaded = self.load_openmetrics(text)
        self.assertEqual(loaded.returncode, 0, loaded.stderr + text)

    def test_promtool_refuses_openmetrics_without_an_end(self):
        text = sample("openmetrics").decode().removesuffix("# EOF\n")
        self.assertNotEqual(self.load_openmetrics(text).returncode, 0)


class Ledger(unittest.TestCase):
    def test_json_names_the_lines_of_this_program(self):
        rows = [json.loads(line) for line in sample("json").splitlines()]
        mine = {row["kind"] for row in rows if row["file"].endswith("e2e/meter/sample.cc")}
        self.assertLessEqual({"listener", "tcp", "task", "timer", "job"}, mine)
        self.assertEqual([row["detail"] for row in rows if row["kind"] == "job"], ["sample job"])
        self.assertEqual({row["shelf"] for row in rows}, {"loop 1"})

    def test_text_says_as_much(self):
        rows = sample("json").count(b"\n")
        text = sample("text").decode()
        self.assertRegex(text, rf"^{rows} held, from \d+ lines\n")
        self.assertRegex(text, r"meter/sample\.cc:\d+")

    def test_go_reads_the_profile(self):
        with tempfile.NamedTemporaryFile() as profile:
            profile.write(sample("pprof"))
            profile.flush()
            top = subprocess.run(["go", "tool", "pprof", "-top", "-lines", "-sample_index=holdings",
                                  profile.name], capture_output=True, text=True,
                                 env=os.environ | {"HOME": tempfile.gettempdir()})
            self.assertEqual(top.returncode, 0, top.stderr)
            self.assertIn("sample.cc", top.stdout)
            tags = subprocess.run(["go", "tool", "pprof", "-tags", "-sample_index=holdings", profile.name],
                                  capture_output=True, text=True,
                                  env=os.environ | {"HOME": tempfile.gettempdir()})
            self.assertIn("listener", tags.stdout)


class Probes(unittest.TestCase):
    def test_the_program_has_the_three_probes_with_their_arguments(self):
        notes = subprocess.run(["readelf", "--notes", "--wide", SAMPLE], check=True, capture_output=True,
                               text=True).stdout
        found = {}
        for name, arguments in re.findall(r"Provider: plumb\n\s+Name: (\S+)\n.*\n\s+Arguments: (.*)", notes):
            found.setdefault(name, set()).add(len(arguments.split()))
        self.assertEqual(found, {"acquire": {5}, "release": {5}, "mark": {3}})

    def test_a_tracer_outside_sees_the_programs_own_kinds(self):
        script = "; ".join(f'usdt:{SAMPLE}:plumb:{name} {{ printf("{name} %s\\n", str(arg0)); }}'
                           for name in ("acquire", "release", "mark")).replace("; usdt", " usdt")
        seen = subprocess.run(["bpftrace", "-e", script, "-c", f"{SAMPLE} json"], capture_output=True,
                              text=True, timeout=120).stdout.splitlines()
        acquired = sorted(line.split()[1] for line in seen if line.startswith("acquire "))
        released = sorted(line.split()[1] for line in seen if line.startswith("release "))
        self.assertLessEqual({"listener", "tcp", "task", "timer", "job", "epoll", "eventfd"}, set(acquired))
        self.assertEqual(acquired, released)
        self.assertIn("mark sample job", seen)


if __name__ == "__main__":
    unittest.main()
