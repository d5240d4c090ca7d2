# SPDX-License-Identifier: Apache-2.0
"""What the tests that are Python scripts share: run a command, and tell ctest about skips."""
import collections
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import unittest


def program(name):
    """The path of a program of the build, as ctest tells it; by hand: PLUMB=… PLUMB_FACTORY=… SCRIPT."""
    path = os.environ.get(name.upper())
    if not path:
        sys.exit(f"set {name.upper()} to the path of {name}, or run this test through ctest")
    return pathlib.Path(path).resolve()


@contextlib.contextmanager
def factory(*arguments, prefix=()):
    """The factory of descriptors with these arguments (none: every kind once), until the end of the block.
    `said` holds what it printed, an object a line. prefix: a command that runs the rest of its arguments."""
    with subprocess.Popen([*prefix, program("plumb_factory"), *arguments], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as running:
        running.said = []
        for line in running.stdout:
            if "ready" in json.loads(line):
                break
            running.said.append(json.loads(line))
        else:
            raise AssertionError(f"the factory ended with {running.wait()}")
        yield running


def rows(text):
    """The objects that --json printed, a line each; other lines are those of a program that plumb ran."""
    lines = (text.decode() if isinstance(text, bytes) else text).splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"record":')]


def by_record(text):
    """The same by the name of their record."""
    found = collections.defaultdict(list)
    for row in rows(text):
        found[row["record"]].append(row)
    return found


def records(*arguments, prefix=()):
    """What `plumb ARGUMENTS --json` prints, as objects by the name of their record."""
    done = subprocess.run([*prefix, program("plumb"), *arguments, "--json"], stdin=subprocess.DEVNULL,
                          capture_output=True, check=True)
    return by_record(done.stdout)


def run(*command, **options):
    """Runs command; returns its stdout and stderr as one text; a failure shows that text."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def main():
    """Runs the tests of the calling script. A script skips as a whole ("skip: REASON", exit 77) or not
    at all: a skip beside a pass would be lost in ctest's count, so it is a failure."""
    result = unittest.main(module="__main__", exit=False).result
    if result.skipped and len(result.skipped) == result.testsRun and result.wasSuccessful():
        print(f"skip: {result.skipped[0][1]}")
        sys.exit(77)
    sys.exit(0 if result.wasSuccessful() and not result.skipped and result.testsRun else 1)
