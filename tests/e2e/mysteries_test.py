#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/mysteries.md shows what really happens: each mystery is played, hunted by hand, and found by plumb.

Each section with a `./plumb demo` block is one play. The commands of its other blocks run while it goes on,
with the victim's number in place of PID, and are tried again until they print what the document shows.
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)
from shown import blocks, first_missing  # noqa: E402

PLUMB = program("plumb")
DOCUMENT = ROOT / "docs/mysteries.md"


def plays():
    """(the demo's command, its lines, [(command, lines) of the other blocks]) of each section."""
    for section in DOCUMENT.read_text().split("\n## "):
        steps = [step for _, block in blocks(section) for step in block]
        demos = [step for step in steps if step[0].startswith("./plumb demo")]
        if demos:
            yield *demos[0], [step for step in steps if step not in demos]


def victim_of(line):
    """Of "plumb explain 4711 says:"."""
    return line.split()[2] if line.startswith("plumb explain ") else None


def by_hand(command, lines, running):
    """What is wrong with what the command prints while the play goes on; None where nothing is."""
    while True:
        over = running.poll() is not None
        printed = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, check=False, timeout=60).stdout
        missing = first_missing(lines, printed)
        if missing is None:
            return None
        if over:
            return f"$ {command}\n{printed}does not have this, or not in this order: {missing}"
        time.sleep(0.2)


def faults_of(play):
    command, lines, hunt = play
    with subprocess.Popen(["bash", "-c", "exec " + command.replace("./plumb", str(PLUMB))], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "COLUMNS": "100"}) as running:
        said = ""
        victim = None
        for line in running.stdout:
            said += line
            victim = victim_of(line)
            if victim:
                break
        faults = [by_hand(step.replace("PID", victim or "0"), shown, running) for step, shown in hunt]
        said += running.communicate(timeout=180)[0]
    missing = first_missing(lines, said)
    if missing is not None:
        faults.append(f"$ {command}\n{said}does not have this, or not in this order: {missing}")
    if running.returncode != 1:
        faults.append(f"{command} ended with {running.returncode}")
    if victim and pathlib.Path("/proc", victim).exists():
        faults.append(f"{command} left {victim} behind")
    return [fault for fault in faults if fault]


class Mysteries(unittest.TestCase):
    def test_each_is_found_and_the_long_way_shows_what_it_says(self):
        found = list(plays())
        self.assertEqual(len(found), 4)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            faults = [fault for each in pool.map(faults_of, found) for fault in each]
        # A build without optimisation beside others looks too rarely: alone it must be right.
        if faults:
            faults = [fault for play in found for fault in faults_of(play)]
        self.assertEqual(faults, [], "\n".join(faults))


if __name__ == "__main__":
    main()
