#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when tools/packages is not what ./plumb reads: sections of `name  reason` lines, sorted
by name, no name twice."""
import pathlib
import re
import sys

SECTION = re.compile(r"\[(build|test|bench)\]$")
PACKAGE = re.compile(r"([a-z0-9][a-z0-9+.-]+) {2,}\S.*$")


def complaints(lines):
    section, previous, seen = None, "", {}
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        if SECTION.match(line):
            section, previous = line, ""
            continue
        match = PACKAGE.match(line)
        if not match:
            yield f"{number}: neither a section nor a package with its reason: {line}"
        elif section is None:
            yield f"{number}: stands before the first section: {line}"
        elif match.group(1) in seen:
            yield f"{number}: {match.group(1)} stands in line {seen[match.group(1)]} already"
        else:
            if match.group(1) < previous:
                yield f"{number}: {match.group(1)} stands behind {previous}: sort by name"
            previous = match.group(1)
            seen[previous] = number
    if not seen:
        yield "0: names no package"


def main():
    path = pathlib.Path(sys.argv[1]) / "tools/packages"
    found = [f"tools/packages:{text}" for text in complaints(path.read_text().splitlines())]
    print("\n".join(found) or "packages: each with its reason")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
