#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on a Markdown link into the tree whose file or heading is not there."""
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(text):
    """The anchors that the usual viewers make of a file's headings."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {heading.strip().replace(" ", "-") for heading in plain}


def broken(root, names):
    for name in names:
        page = root / name
        text = FENCED.sub("", page.read_text())
        for link in LINK.findall(text):
            if re.match(r"\w+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path) if path else page
            if not target.exists():
                yield f"{name}: {link}: no such file"
            elif anchor and anchor not in anchors(target.read_text()):
                yield f"{name}: {link}: no such heading"


def main():
    root = pathlib.Path(sys.argv[1])
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.md"],
                            capture_output=True, text=True, check=True).stdout.split("\n")
    found = list(broken(root, [name for name in listed if name and (root / name).is_file()]))
    print("\n".join(found) or "links: each leads somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
