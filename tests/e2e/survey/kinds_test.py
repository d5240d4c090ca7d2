#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb ls names every kind of descriptor right, with its other end: as root, and as nobody of nobody's."""
import os
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import factory, main, records  # noqa: E402  (after the path)

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "TMPDIR=/tmp"]
# Every kind of detect/record/kind.h that a process can be made to hold.
KINDS = {"file", "directory", "symlink", "char", "block", "fifo", "pipe", "pty", "unix", "tcp", "udp", "raw",
         "netlink", "packet", "vsock", "socket", "eventfd", "epoll", "timerfd", "signalfd", "inotify",
         "fanotify", "memfd", "pidfd", "io_uring", "bpf", "perf_event", "userfaultfd", "mqueue", "namespace",
         "seccomp", "landlock", "mount", "unknown"}


class Kinds(unittest.TestCase):
    def look(self, prefix, inside=(), ends_unseen=()):
        """Compares the rows of plumb with those of the factory, which runs below the command `inside`;
        returns what was opened and refused, and the survey's record. ends_unseen: kinds whose other end
        cannot be known from there."""
        with factory(prefix=[*prefix, *inside]) as made:
            pid = made.said[0]["pid"]
            seen = records("ls", str(pid), prefix=prefix)
        rows = {row["fd"]: row for row in seen["descriptor"] if row["pid"] == pid}
        opened = [row for row in made.said if "fd" in row]
        refused = [row for row in made.said if "errno" in row]
        for row in refused:
            print(f"refused: {row['kind']} {row['what']}: {row['error']}")
        for row in opened:
            with self.subTest(row=row):
                self.assertIn(row["fd"], rows)
                got = rows[row["fd"]]
                self.assertEqual(got["kind"], row["kind"])
                self.assertNotIn("errno", got)
                if "end" in row and row["kind"] not in ends_unseen:
                    self.assertEqual(got["end"]["state"], "held")
                    self.assertEqual([(h["pid"], h["fd"]) for h in got["end"]["holders"]], [(pid, row["end"])])
                if "shared" in row:
                    self.assertIn((pid, row["shared"]), [(h["pid"], h["fd"]) for h in got["shared"]["holders"]])
                if row["what"] == "opened again":
                    self.assertNotIn("shared", got)
        return opened, refused, seen["survey"][0]

    @unittest.skipUnless(os.geteuid() == 0, "raw sockets, devices and BPF need root")
    def test_root_sees_every_kind(self):
        opened, refused, survey = self.look([])
        self.assertEqual(survey["source"], "bpf")
        # names aside: a stranger's file may be named beyond all bounds
        self.assertEqual([loss for loss in survey["losses"] if loss["what"] != "names"], [])
        self.assertEqual({row["kind"] for row in refused} - {"dmabuf"}, set(),
                         "only a kernel without /dev/udmabuf may refuse")
        self.assertEqual(KINDS - {row["kind"] for row in opened}, set())

    @unittest.skipUnless(os.geteuid() == 0, "becoming nobody needs root")
    def test_nobody_sees_every_kind_of_its_own_and_is_told_the_rest(self):
        opened, _, survey = self.look(NOBODY)
        self.assertEqual(survey["source"], "proc")
        # what root alone may open is all that is missing
        self.assertEqual(KINDS - {row["kind"] for row in opened} - {
            "block", "raw", "packet", "fanotify", "bpf", "perf_event", "socket", "mount", "unknown"}, set())
        said = " ".join(blind["what"] for blind in survey["blinds"])
        self.assertIn("BPF", said)
        self.assertIn("processes of other users", said)
        for blind in survey["blinds"]:
            self.assertTrue(blind["remedy"], blind)

    @unittest.skipUnless(os.geteuid() == 0, "becoming nobody needs root")
    def test_nobody_reads_the_text_of_a_network_that_it_may_not_enter(self):
        inside = ["unshare", "--user", "--map-root-user", "--net",
                  "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        opened, _, survey = self.look(NOBODY, inside, ends_unseen={"unix"})
        self.assertTrue({"tcp", "udp", "unix", "raw", "netlink", "packet"} <= {row["kind"] for row in opened})
        self.assertTrue([blind for blind in survey["blinds"] if "network namespace" in blind["what"]
                         and "peers" in blind["what"]], survey["blinds"])


if __name__ == "__main__":
    main()
