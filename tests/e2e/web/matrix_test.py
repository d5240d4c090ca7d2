#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every form of an answer to every sort of client: what broke in the first mystery. An answer without an
end would let its client wait, and the client's time limit would fail the test."""
import contextlib
import itertools
import json
import pathlib
import signal
import subprocess
import sys
import unittest

import requests

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program, run  # noqa: E402  (after the path)

TEXT = "".join(f"line {i}\n" for i in range(1000))
BODIES = {"length": TEXT, "chunked": TEXT, "empty": "", "204": "", "304": ""}
NODE = """
const base = process.argv[1], bodies = JSON.parse(process.argv[2]);
(async () => {
  for (let round = 0; round < 2; ++round)
    for (const [path, body] of Object.entries(bodies))
      for (const method of ['GET', 'HEAD'])
        for (const coding of ['identity', 'gzip']) {
          const reply = await fetch(base + path, {method, headers: {'accept-encoding': coding},
                                                  signal: AbortSignal.timeout(5000)});
          const text = await reply.text();
          if (text !== (method == 'GET' ? body : '')) throw new Error([method, path, coding].join(' '));
        }
  const posted = await fetch(base + 'echo', {method: 'POST', body: 'x'.repeat(100000)});
  if ((await posted.text()).length != 100000) throw new Error('echo');
  console.log('good');
})().catch(error => { console.error(error); process.exit(1); });
"""


@contextlib.contextmanager
def server():
    with subprocess.Popen([program("plumb_web_server")], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=30)[0]
            if process.returncode != 0 or said != "0 connections, 0 streams\n":
                raise AssertionError(f"ended with {process.returncode}: {said}")
        finally:
            process.kill()


class Matrix(unittest.TestCase):
    def test_curl(self):
        with server() as base:
            for (path, body), version, keep, coding, method in itertools.product(
                    BODIES.items(), ("--http1.0", "--http1.1"), ("keep-alive", "close", None),
                    ("gzip", "br", "zstd", "identity", None), ("GET", "HEAD")):
                with self.subTest(path=path, version=version, keep=keep, coding=coding, method=method):
                    options = [version, "-sS", "-m", "5", "--noproxy", "*"]
                    options += ["-H", f"Connection: {keep}"] if keep else []
                    # curl decodes what it was built for; the others are compared by their framing only.
                    decodes = coding in ("gzip", "identity", None)
                    options += ["-H", f"Accept-Encoding: {coding}"] if coding else []
                    options += ["--compressed"] if coding == "gzip" else []
                    options += ["-I"] if method == "HEAD" else []
                    # Twice, so that a kept connection is used again.
                    done = subprocess.run(["curl", *options, base + path, base + path], capture_output=True,
                                          check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    if method == "GET" and decodes:
                        self.assertEqual(done.stdout.decode(), body * 2)

    def test_requests(self):
        with server() as base, requests.Session() as session:
            session.trust_env = False
            for path, body in BODIES.items():
                for method, expected in (("GET", body), ("HEAD", "")):
                    for coding in ("gzip", "identity"):
                        reply = session.request(method, base + path, timeout=5,
                                                headers={"Accept-Encoding": coding})
                        self.assertEqual(reply.text, expected, (method, path, coding))
            reply = session.post(base + "echo", data=(b"piece" for _ in range(1000)), timeout=5)
            self.assertEqual(reply.content, b"piece" * 1000)

    def test_node(self):
        with server() as base:
            self.assertEqual(run("node", "-e", NODE, base, json.dumps(BODIES)), "good\n")


if __name__ == "__main__":
    main()
