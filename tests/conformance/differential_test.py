#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks Boost.Beast, node and Go what they do with each request of docs/http-verdicts.md, and compares.

The table names the versions that it was measured with; a column of another version is printed with what
it differs in, but does not fail. Skips (77) where none of the three is here.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORACLES = ROOT / "tests/conformance/oracles"
ROW = re.compile(r"\| `([^`]+)` \| `([^`]+)` \| ([^|]+) \| ([Arw]) \| ([Arw]) \| ([Arw]) \|")
ESCAPE = re.compile(r"\\(r|n|t|x[0-9a-f]{2})")
PLAIN = {"r": "\r", "n": "\n", "t": "\t"}


def unescape(text):
    return ESCAPE.sub(lambda m: PLAIN.get(m[1]) or chr(int(m[1][1:], 16)), text).encode("latin-1")


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, **options).stdout


class Beast:
    name, measured = "Beast", "1.74"

    def __init__(self, folder):
        self.binary = folder / "beast"
        output("c++", "-std=c++20", str(ORACLES / "beast_oracle.cc"), "-o", str(self.binary))
        source = "#include <boost/version.hpp>\nBOOST_LIB_VERSION\n"
        macro = output("c++", "-E", "-P", "-x", "c++", "-", input=source).split()[-1]
        self.version = macro.strip('"').replace("_", ".")
        self.command = [str(self.binary)]


class Node:
    name, measured = "node", "20"

    def __init__(self, _folder):
        self.version = output("node", "--version").strip().lstrip("v").split(".")[0]
        self.command = ["node", str(ORACLES / "node_oracle.js")]


class Go:
    name, measured = "Go", "1.19"

    def __init__(self, folder):
        environment = {**os.environ, "GO111MODULE": "off", "GOCACHE": str(folder / "cache")}
        self.binary = folder / "go"
        output("go", "build", "-o", str(self.binary), str(ORACLES / "go_oracle.go"), env=environment)
        self.version = ".".join(output("go", "env", "GOVERSION", env=environment).strip()[2:].split(".")[:2])
        self.command = [str(self.binary)]


def main():
    rows = [m.groups() for m in map(ROW.match, (ROOT / "docs/http-verdicts.md").read_text().splitlines()) if m]
    if len(rows) < 70:
        print(f"the table has only {len(rows)} requests; its form is not what this test reads")
        return 1
    requests = "".join(unescape(row[1]).hex() + "\n" for row in rows)
    asked, failures = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for column, (kind, tool) in enumerate(((Beast, "c++"), (Node, "node"), (Go, "go"))):
            if not shutil.which(tool) or (kind is Beast and not os.path.exists("/usr/include/boost/beast.hpp")):
                print(f"{kind.name}: not here, its column is not checked")
                continue
            oracle = kind(pathlib.Path(folder))
            verdicts = output(*oracle.command, input=requests).split()
            if len(verdicts) != len(rows):
                raise SystemExit(f"{kind.name}: {len(verdicts)} verdicts for {len(rows)} requests")
            asked += 1
            differ = [f"{kind.name} {oracle.version}: {row[0]}: the table says {row[3 + column]}, it does {verdict}"
                      for row, verdict in zip(rows, verdicts) if row[3 + column] != verdict]
            same_version = oracle.version == kind.measured
            failures += len(differ) if same_version else 0
            print("\n".join(differ) or f"{kind.name} {oracle.version}: {len(rows)} verdicts as the table says")
    accepted = sum(row[2].startswith("accepts") for row in rows)
    print(f"of {len(rows)} requests plumb accepts {accepted}, " + ", ".join(
        f"{name} {sum(row[3 + i] == 'A' for row in rows)}" for i, name in enumerate(("Beast", "node", "Go"))))
    if asked == 0:
        print("skip: none of Boost.Beast, node and Go is here")
        return 77
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
