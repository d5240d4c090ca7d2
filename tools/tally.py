#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up the results of ./test: tally.py BUILD_FOLDER STAGE...

Reads STAGE.tests.xml (ctest's JUnit file) of each stage; STAGE.tests.xml.not-built stands for a
stage that could not be built, which counts as one failure, as does a stage without results. A test that failed
and then passed in STAGE.tests.xml.alone, where nothing ran beside it, has passed, and is named.
Prints the failed tests with the end of their output, the skipped ones with their reason, and the
totals on a line of their own. Exit status: 0 when nothing failed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

# How the test programs give their reason: GoogleTest, Python's unittest, and our scripts.
REASONS = [
    re.compile(r": Skipped\n(.+)"),
    re.compile(r"skipped '(.+)'"),
    re.compile(r'skipped "(.+)"'),
    re.compile(r"^skip: (.+)", re.MULTILINE),
]


def reason(output):
    for pattern in REASONS:
        match = pattern.search(output)
        if match:
            return match.group(1).strip()
    return "no reason given"


def read(path):
    """Yields (name, status, output, seconds); status is run, fail, notrun or disabled, in ctest's words."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        yield case.get("name"), case.get("status"), output, float(case.get("time") or 0)


def passed_alone(path):
    return {name for name, status, _, _ in read(path) if status == "run"} if path.exists() else set()


def main():
    folder, stages = pathlib.Path(sys.argv[1]), sys.argv[2:]
    passed, failed, skipped, alone = 0, [], [], []
    for stage in stages:
        results = folder / f"{stage}.tests.xml"
        before, seconds = passed + len(failed) + len(skipped), 0.0
        if pathlib.Path(f"{results}.not-built").exists():
            failed.append((f"{stage}: could not be built", ""))
        elif not results.exists():
            failed.append((f"{stage}: no results", ""))
        else:
            mended = passed_alone(pathlib.Path(f"{results}.alone"))
            for name, status, output, took in read(results):
                seconds += took
                if status == "run":
                    passed += 1
                elif status == "fail" and name in mended:
                    passed += 1
                    alone.append((f"{stage}: {name}", output))
                elif status == "fail":
                    failed.append((f"{stage}: {name}", output))
                else:
                    skipped.append(f"{stage}: {name}: {reason(output)}")
        count = passed + len(failed) + len(skipped) - before
        if count == 0:
            failed.append((f"{stage}: has no tests", ""))
        print(f"{stage:6} {count:5} tests {seconds:8.1f} s")
    for verdict, tests in (("passed only when tried alone", alone), ("failed", failed)):
        for name, output in tests:
            print(f"{verdict}: {name}")
            for line in output.rstrip().splitlines()[-30:]:
                print(f"    {line}")
    for line in skipped:
        print(f"skipped: {line}")
    print(f"{passed} passed" + (f" ({len(alone)} of them only alone)" if alone else "") +
          f", {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
