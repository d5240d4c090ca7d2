#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a code block of docs/tutorial.md does not stand, to the letter, in the example it names."""
import pathlib
import re
import sys

BLOCK = re.compile(r"^```cpp (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main():
    root = pathlib.Path(sys.argv[1])
    blocks = BLOCK.findall((root / "docs/tutorial.md").read_text())
    bad = [f"docs/tutorial.md quotes what is not in {name}:\n{code}"
           for name, code in blocks if code not in (root / name).read_text()]
    if not blocks:
        bad.append("docs/tutorial.md quotes no example")
    print("\n".join(bad) or f"tutorial: {len(blocks)} quotations, all true")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
