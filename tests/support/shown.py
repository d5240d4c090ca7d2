# SPDX-License-Identifier: Apache-2.0
"""Output that a document shows, compared with what is really printed.

A ```console block holds commands after "$ " and below each of them what it printed. Numbers, and words
that the document marks with …, may differ; the rest may not, and the lines come in this order.
"""
import re

BLOCK = re.compile(r"(?:^<!-- with: (.*) -->\n)?^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(text):
    """Yields (what the comment before it says or "", [(command, lines that it printed)]) for each block."""
    for arguments, block in BLOCK.findall(text):
        steps = []
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif line:
                steps[-1][1].append(line)
        yield arguments, steps


def shape(line):
    """A pattern for lines like this one: any number for a number, any gap for a gap, anything for …"""
    parts = []
    for piece in re.findall(r"…|\d+(?:[.,]\d+)*|\s+|[^\s\d…]+", line.strip()):
        if piece == "…":
            parts.append(r".*")
        elif piece[0].isdigit():
            parts.append(r"\d+(?:[.,]\d+)*")
        elif piece.isspace():
            parts.append(r"\s+")
        else:
            parts.append(re.escape(piece))
    return re.compile("".join(parts) + "$")


def first_missing(lines, printed):
    """The first of the lines that was not printed, or not in this order; None where all were."""
    rest = iter(printed.splitlines())
    for line in lines:
        if not any(shape(line).match(each.strip()) for each in rest):
            return line
    return None
