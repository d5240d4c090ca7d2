#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Chromium loads a page with 200 resources and holds a stream of events; when it has gone, the server
holds nothing."""
import json
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program  # noqa: E402  (after the path)

# Headless it needs no display; as root it runs without its sandbox; what else it would do by itself
# (updates, keyrings, proxies, shared memory of a container) is off.
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-extensions", "--no-first-run",
            "--no-proxy-server", "--password-store=basic", "--remote-debugging-port=0"]
PATIENCE = 90  # seconds for a browser's start on a machine that does ten other things


class Browser(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([program("plumb_web_server")], stdout=subprocess.PIPE, text=True)
        self.port = int(self.server.stdout.readline())

    def tearDown(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def report(self):
        """What the page posts, or nothing when it does not in time."""
        ready, _, _ = select.select([self.server.stdout], [], [], PATIENCE)
        return json.loads(self.server.stdout.readline()) if ready else None

    def test_a_page_of_200_resources_and_a_stream(self):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            browser = subprocess.Popen(
                [*CHROMIUM, f"--user-data-dir={profile}", f"http://127.0.0.1:{self.port}/page"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                report = self.report()
                self.assertEqual(report, {"loaded": 200, "failed": 0, "ran": 67, "events": 50, "wrong": 0})
                # It still holds the stream: the server's end must end it.
                self.server.send_signal(signal.SIGTERM)
                self.assertEqual(self.server.stdout.readline(), "0 connections, 0 streams\n")
                self.assertEqual(self.server.wait(timeout=PATIENCE), 0)
            finally:
                browser.terminate()
                browser.wait(timeout=PATIENCE)


if __name__ == "__main__":
    main()
