# SPDX-License-Identifier: Apache-2.0
"""A specimen in Go, built by each Go that is installed: whole, stripped and position-independent."""
import os
import pathlib
import tempfile
import unittest

from scripted import run

SPECIMENS = pathlib.Path(__file__).with_name("specimens")
BUILDS = {"whole": [], "stripped": ["-ldflags=-s -w"], "pie": ["-buildmode=pie"]}


def compilers():
    """{version: path} of the Go compilers here: the usual one, those that Debian puts beside it, and those that
    PLUMB_GO_COMPILERS lists with colons between them."""
    found = {}
    paths = ["go", *map(str, pathlib.Path("/usr/lib").glob("go-1.*/bin/go")),
             *filter(None, os.environ.get("PLUMB_GO_COMPILERS", "").split(":"))]
    for path in paths:
        version = run(path, "version", env={**os.environ, "GOTOOLCHAIN": "local"}).split()[2]
        found.setdefault(version, path)
    return found


class GoBuilds(unittest.TestCase):
    """Tests with `.programs`, {"VERSION BUILD": path}, of the specimen that `source` names, in `.folder`."""
    source = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="plumb-go-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.programs = {}
        for version, go in compilers().items():
            for name, flags in BUILDS.items():
                path = cls.folder / f"{version}-{name}"
                run(go, "build", *flags, "-o", path, SPECIMENS / cls.source,
                    env={**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local"})
                cls.programs[f"{version} {name}"] = path
