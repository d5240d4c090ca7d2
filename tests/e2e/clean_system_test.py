#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package installs and runs in a clean Debian 12, and leaves it clean.

The clean system is made once by debootstrap from the mirror that this machine's apt uses, and kept
as an archive in $XDG_CACHE_HOME/plumb (~/.cache/plumb).
"""
import fcntl
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import release
from scripted import main, run

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "plumb"
# Runs command $2 in the system $1. The mounts live in a namespace of their own and end with it.
INSIDE = """
    set -eu
    mount -t proc proc "$1/proc"
    mount --rbind /sys "$1/sys"
    exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \\
      DEBIAN_FRONTEND=noninteractive sh -c "$2" 2>&1
    """


def mirrors():
    """(address, suite) of each Debian 12 archive in this machine's apt configuration, main one first."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(CODENAME)",
                 "Created-By: Packages")
    found = []
    for line in listed.splitlines():
        address, suite, component, origin, codename = line.split("|")
        if component == "main" and origin == "Debian" and codename.startswith("bookworm"):
            name = codename if suite.startswith(("stable", "oldstable")) else suite
            found.append((address, name))
    return sorted(set(found), key=lambda each: (each[1] != "bookworm", each))


def clean_system():
    """The archive of a minimal Debian 12, made at the first call. Two tests at once make it once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / "bookworm.tar"
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if archive.exists():
            return archive
        where = mirrors()
        if not where or where[0][1] != "bookworm":
            raise AssertionError(f"this machine's apt names no Debian 12 archive: {where}")
        with tempfile.TemporaryDirectory(prefix="plumb-clean-") as folder:
            system = pathlib.Path(folder) / "system"
            run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", system, where[0][0])
            lines = [f"deb {address} {suite} main" for address, suite in where]
            (system / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
            # The proxy, and whatever else this machine needs to reach its mirror.
            settings = run("apt-config", "dump", "Acquire")
            kept = [line for line in settings.splitlines()
                    if re.match(r"Acquire::(https?::|Check-|Retries)", line)]
            (system / "etc/apt/apt.conf.d/90machine").write_text("\n".join(kept) + "\n")
            unfinished = CACHE / "bookworm.tar.new"
            run("tar", "-C", system, "--one-file-system", "-cf", unfinished, ".")
            unfinished.rename(archive)
    return archive


class CleanSystem(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("a clean Debian 12 to install into needs root (chroot)")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="plumb-clean-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.system = self.folder / "system"
        self.system.mkdir()
        run("tar", "-C", self.system, "-xpf", clean_system())
        shutil.copy("/etc/resolv.conf", self.system / "etc/resolv.conf")

    def inside(self, command):
        return run("unshare", "--mount", "sh", "-c", INSIDE, "sh", self.system, command)

    def test_the_package_installs_runs_and_leaves_nothing(self):
        packages = release.copy_packages(self.system)
        version = re.search(r"/plumb_([0-9.]+)-", " ".join(map(str, packages))).group(1)
        self.inside("apt-get update")
        self.inside("apt-get install -y --no-install-recommends /plumb_*.deb")
        self.assertIn(f"plumb {version}", self.inside("plumb --version"))
        shell = self.inside("exec 7</etc/passwd; plumb ls $$; echo status $?")
        self.assertRegex(shell, r"(?m)\b7r +file +/etc/passwd")
        self.assertIn("status 0", shell)
        self.inside("test -s /usr/share/man/man1/plumb.1.gz")
        self.inside("apt-get purge -y plumb")
        left = self.inside("find / -xdev -name '*plumb*' -not -name '*.deb' -not -path '/proc/*'")
        self.assertEqual(left, "")


if __name__ == "__main__":
    main()
