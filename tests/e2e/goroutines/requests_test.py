#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb goroutines --http on a service with four jobs, of which one forgets to close a response, and on its
healthy twin: plain, TLS and HTTP/2, whole and stripped, for each Go that is installed."""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/support"), str(pathlib.Path(__file__).parent)]
from go_builds import GoBuilds  # noqa: E402  (after the path)
from scripted import main, program, rows, run  # noqa: E402

PLUMB = program("plumb")


@contextlib.contextmanager
def jobs(path, *arguments):
    """The service, once each of its jobs has run."""
    with subprocess.Popen([path, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "GODEBUG": ""}) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def watch(pid, *options, seconds=3):
    """(held, summary, status) of plumb goroutines --http."""
    done = subprocess.run([PLUMB, "goroutines", str(pid), "--http", "--json", "--for", f"{seconds}s",
                           "--min-age", "1s", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    told = rows(done.stdout)
    return told[:-1], told[-1], done.returncode


def functions(site):
    return [frame.get("function", "?") for frame in site["stack"]]


class Requests(GoBuilds):
    source = "jobs.go"

    def culprit(self, site):
        names = functions(site)
        self.assertTrue(any(n.endswith("(*bearerTransport).RoundTrip") for n in names), names)
        self.assertIn("main.checkImages", names)
        self.assertLess(next(i for i, n in enumerate(names) if n.endswith("(*bearerTransport).RoundTrip")),
                        names.index("main.checkImages"))

    def test_the_forgotten_body_has_its_request_and_its_sender(self):
        for name, path in self.programs.items():
            for protocol in ("http", "https"):
                with self.subTest(name, protocol=protocol), jobs(path, "leak", protocol) as process:
                    held, summary, status = watch(process.pid)
                    self.assertEqual(status, 1)
                    self.assertEqual(len(held), 1, [functions(site) for site in held])
                    self.culprit(held[0])
                    # A run each 0.1 s and a little, of which the last second is too young.
                    self.assertGreater(held[0]["count"], 8)
                    self.assertEqual(held[0]["states"]["body_open"], held[0]["count"], held[0]["states"])
                    for one in held[0]["requests"]:
                        self.assertRegex(one["request"], rf"^GET {protocol}://127\.0\.0\.1:\d+/v2/app/manifests/latest"
                                                         r"\?scope=…&token=…$")
                        self.assertTrue(1 <= one["age"] <= 4, one)
                    # The job's first runs were before plumb came.
                    self.assertGreaterEqual(summary["before"], 1)
                    self.assertEqual(sum(summary["losses"].values()), 0)

    def test_the_healthy_twin_holds_nothing(self):
        for name, path in self.programs.items():
            for protocol in ("http", "https", "http2"):
                with self.subTest(name, protocol=protocol), jobs(path, "healthy", protocol) as process:
                    held, summary, status = watch(process.pid, seconds=2)
                    self.assertEqual(([functions(site) for site in held], summary["before"], status), ([], 0, 0))

    def test_streams_of_http2(self):
        for name, path in self.programs.items():
            with self.subTest(name), jobs(path, "leak", "http2") as process:
                held, _, status = watch(process.pid)
                self.assertEqual(status, 1)
                sites = [site for site in held if "main.checkImages" in functions(site)]
                self.assertEqual(len(sites), 1, [functions(site) for site in held])
                self.culprit(sites[0])
                self.assertGreater(sites[0]["count"], 8)
                self.assertEqual(sites[0]["states"]["body_open"], sites[0]["count"], sites[0]["states"])
                # The one that waits for an answer is no leak.
                slow = [site for site in held if any("/slow" in one["request"] for one in site["requests"])]
                self.assertEqual([site["states"]["body_open"] for site in slow], [0] * len(slow))
                self.assertEqual({one["http"] for one in sites[0]["requests"]}, {2})
                self.assertEqual([s for s in held if "main.readFeed" in functions(s)], [])

    def test_the_text_and_secrets(self):
        path = next(iter(self.programs.values()))
        with jobs(path, "leak", "http") as process:
            done = subprocess.run([PLUMB, "goroutines", str(process.pid), "--http", "--for", "2500ms", "--min-age", "1s",
                                   "--secrets"], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"leaked: the body of the response was neither read to its end nor closed")
        self.assertIn("token=hush", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^ +main\.checkImages +jobs\.go:\d+$")

    def test_a_program_without_an_http_client(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "alone.go"
            source.write_text("package main\nimport \"time\"\nfunc main() { time.Sleep(time.Hour) }\n")
            run("go", "build", "-o", f"{folder}/alone", source, env={**os.environ, "GO111MODULE": "off"})
            with subprocess.Popen([f"{folder}/alone"]) as process:
                try:
                    done = subprocess.run([PLUMB, "goroutines", str(process.pid), "--http", "--for", "1s"],
                                          capture_output=True, text=True, check=False, timeout=60)
                finally:
                    process.kill()
        self.assertEqual(done.returncode, 3)
        self.assertIn("has no HTTP client", done.stderr)


if __name__ == "__main__":
    main()
