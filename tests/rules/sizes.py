#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on a source file over 600 lines, or one that does not begin with an SPDX line."""
import pathlib
import subprocess
import sys

LIMIT = 600
SUFFIXES = {".cc", ".h", ".c", ".py", ".go", ".js", ".ts", ".css", ".sh", ".rs"}


def main():
    root = pathlib.Path(sys.argv[1])
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
                            capture_output=True, text=True, check=True).stdout.split("\n")
    bad = []
    for name in listed:
        path = root / name
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        lines = path.read_text(errors="replace").splitlines()
        if len(lines) > LIMIT:
            bad.append(f"{name}: {len(lines)} lines, the limit is {LIMIT}: split it by concept")
        if not any("SPDX-License-Identifier" in line for line in lines[:3]):
            bad.append(f"{name}: the first lines name no SPDX licence")
    print("\n".join(bad) or f"sizes: no file over {LIMIT} lines, each with its licence")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
