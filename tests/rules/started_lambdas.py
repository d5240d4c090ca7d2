#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on a lambda with captures that is called where it is started, scope.start(work()): the task
would use the closure after the body that declared it has ended. scope.start(work) keeps it."""
import pathlib
import re
import sys

STARTED = re.compile(r"\.start\(\s*(?:(\w+)\(|(\[[^\]\s]))")
SUFFIXES = (".h", ".cc", ".md")
FOLDERS = ("src", "include", "examples", "tests", "bench", "docs")


def end_of_call_target(text, at):
    """The position after the lambda that begins at `at`: after the brace that closes its body."""
    depth = 0
    for here in range(text.index("{", at), len(text)):
        depth += {"{": 1, "}": -1}.get(text[here], 0)
        if depth == 0:
            return here + 1
    return len(text)


def violations(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SUFFIXES:
                continue
            text = path.read_text()
            for start in STARTED.finditer(text):
                if start[1]:
                    called = re.search(rf"\b{start[1]} = \[[^\]\s]", text)
                else:
                    called = text[end_of_call_target(text, start.start(2)):].startswith("(")
                if called:
                    line = text.count("\n", 0, start.start()) + 1
                    yield f"{path.relative_to(root)}:{line}: give start() the lambda, uncalled"


def main():
    found = list(violations(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "no lambda is called where it is started")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
