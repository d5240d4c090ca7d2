#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on an #include that the house does not allow, and when the table of HACKING.md ("Who may
include whom") differs from the one here."""
import pathlib
import re
import sys

EVERYONE = {"base"}
ALLOWED = {
    "base": set(),
    "http": set(),
    "record": set(),
    "source": {"record", "source/bpf"},
    "source/bpf": set(),
    "symbol": {"record"},
    "model": {"record", "http"},
    "finding": {"record", "model"},
    "report": {"record", "model", "finding"},
    "loop": set(),
    "meter": set(),
    "net": {"loop", "meter"},
    "web": {"net", "http", "meter", "loop"},
    "jobs": {"loop", "meter"},
    "app": None,  # the top: may include everything, and nobody includes it
}
# libbpf belongs to source alone (decision 3 of the design).
OWN_LIBRARIES = {"bpf/libbpf.h": "source", "bpf/bpf.h": "source", "bpf/btf.h": "source"}

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def folder_of(path):
    """The folder's name in the table, from a path below src/ or include/plumb/; None: not ours."""
    parts = pathlib.PurePosixPath(path).parts
    if len(parts) < 2:
        return None
    if parts[0] in ("detect", "runtime"):
        if parts[:3] == ("detect", "source", "bpf"):
            return "source/bpf"
        return parts[1]
    return parts[0] if parts[0] in ALLOWED else None


def violations(root):
    files = [(p, p.relative_to(root / "src")) for p in sorted((root / "src").rglob("*"))]
    files += [(p, p.relative_to(root / "include/plumb")) for p in sorted((root / "include").rglob("*.h"))]
    for path, relative in files:
        if path.suffix not in (".h", ".cc", ".c"):
            continue
        user = folder_of(relative.as_posix())
        if user is None:
            yield f"{path.relative_to(root)}: stands in no folder of the house"
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1)
            where = f"{path.relative_to(root)}:{number}"
            owner = OWN_LIBRARIES.get(target)
            if owner and user not in (owner, "source/bpf"):
                yield f"{where}: <{target}> is for {owner} only"
            used = folder_of(target.removeprefix("plumb/"))
            if used is None or used == user or used in EVERYONE:
                continue
            if used == "app":
                yield f"{where}: nobody includes app"
            elif ALLOWED[user] is not None and used not in ALLOWED[user]:
                yield f"{where}: {user} may not include {used} ({target})"


def table_differences(root):
    """Compares ALLOWED with the rows `| folder | may include | why |` of HACKING.md."""
    section = (root / "HACKING.md").read_text().split("### Who may include whom", 1)[1].split("\n#", 1)[0]
    written = {}
    for row in re.findall(r"^\| ([\w/]+) \|([^|]*)\|", section, re.MULTILINE):
        if row[0] != "folder":
            names = {name.strip() for name in row[1].split(",")} - {""}
            written[row[0]] = None if names == {"everything"} else names
    for folder in sorted(ALLOWED.keys() | written.keys()):
        if not any((root / "src" / half / folder).is_dir() for half in ("", "detect", "runtime")):
            yield f"HACKING.md: there is a row of {folder}, and no such folder"
        if ALLOWED.get(folder, "absent") != written.get(folder, "absent"):
            yield f"HACKING.md: the row of {folder} differs from tests/rules/layers.py"


def main():
    root = pathlib.Path(sys.argv[1])
    found = list(violations(root)) + list(table_differences(root))
    print("\n".join(found) or "layers: every #include follows the house")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
