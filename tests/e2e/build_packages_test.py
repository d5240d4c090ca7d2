#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/packages is enough to build: every header and library of the system that the release build
read belongs to a package that it lists, or that one of those depends on. A developer's machine has
more installed than a newcomer's, so that a build that works here proves nothing."""
import re
import unittest

import release
from scripted import main, run


def listed(section):
    text = (release.ROOT / "tools/packages").read_text().split(f"[{section}]\n", 1)[1].split("\n[", 1)[0]
    return re.findall(r"^([a-z0-9][a-z0-9+.-]+) ", text, re.MULTILINE)


def with_dependencies(packages):
    kinds = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    said = run("apt-cache", "depends", "--recurse", *(f"--no-{kind}" for kind in kinds), *packages)
    return set(re.findall(r"^[a-z0-9][a-z0-9+.-]+", said, re.MULTILINE))


def owners(paths):
    """The packages that the files belong to."""
    said = run("dpkg", "-S", *sorted(paths))
    return {name for names in re.findall(r"^([^/\n]+): /", said, re.MULTILINE)
            for name in re.findall(r"([a-z0-9][a-z0-9+.-]+)(?::\w+)?", names)}


class BuildPackages(unittest.TestCase):
    def test_what_the_build_reads_is_listed(self):
        with release.locked():
            release.build()
        folder = release.ROOT / "build/release"
        read = run("ninja", "-C", folder, "-t", "deps") + run("ninja", "-C", folder, "-t", "commands", "plumb")
        files = {path for path in re.findall(r"(?:^|\s)(/usr/(?:include|lib)/[^\s:]+\.(?:hpp|h|so|a))\b", read)}
        self.assertGreater(len(files), 100)
        self.assertEqual(owners(files) - with_dependencies(listed("build")), set())


if __name__ == "__main__":
    main()
