#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Man pages and completion say what the binary says.

The truth is `plumb --help` and `plumb COMMAND --help`. Each command has a man page man/plumb-COMMAND.1
and a place in man/plumb.1; each option stands in its page and is offered by the completion; and
nothing more stands there than the binary knows.
"""
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, program, run  # noqa: E402  (after the path)

PLUMB = program("plumb")


def help_of(command):
    return run(PLUMB, *([command] if command else []), "--help")


def options(command):
    """-x and --long of each option in the help of command ("": plumb itself)."""
    found = set()
    for names in re.findall(r"^ +(-[-,\w]+)", help_of(command), re.MULTILINE):
        found.update(names.split(","))
    return found


def commands():
    section = help_of("").split("Subcommands:\n", 1)[1].split("\n\n", 1)[0]
    return set(re.findall(r"^  ([a-z][a-z-]*)", section, re.MULTILINE))


def page_of(command):
    return ROOT / "man" / (f"plumb-{command}.1" if command else "plumb.1")


def options_in_page(command):
    """The flags in the items of an mdoc page: `.It Fl j , Fl -json`."""
    found = set()
    for item in re.findall(r"^\.It (Fl .*)$", page_of(command).read_text(), re.MULTILINE):
        found.update("-" + flag for flag in re.findall(r"\bFl (-?[\w][\w-]*)", item))
    return found


def completed(*words):
    """What bash offers after these words."""
    script = (
        "source /usr/share/bash-completion/bash_completion\n"
        f"source {shlex.quote(str(ROOT / 'completions/plumb.bash'))}\n"
        "compopt() { :; }\n"  # only bash itself may call it, during a real completion
        f"COMP_WORDS=({' '.join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}\n"
        "COMP_LINE=\"${COMP_WORDS[*]}\" COMP_POINT=${#COMP_LINE}\n"
        "_plumb\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\"\n")
    said = subprocess.run(["bash", "--norc", "-c", script], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, timeout=30)
    assert not said.stderr, said.stderr
    return set(said.stdout.split("\n")) - {""}


class Documents(unittest.TestCase):
    def test_there_are_commands_and_options(self):
        self.assertLessEqual({"ls", "tree"}, commands())
        self.assertIn("--json", options("ls"))

    def test_each_command_has_its_page_and_each_page_its_command(self):
        pages = {path.stem.removeprefix("plumb-") for path in (ROOT / "man").glob("plumb-*.1")}
        self.assertEqual(pages, commands())

    def test_the_overview_names_each_command(self):
        named = re.findall(r"^\.It Cm ([a-z-]+)$", page_of("").read_text(), re.MULTILINE)
        self.assertEqual(set(named), commands())

    def test_the_readme_names_each_command(self):
        rows = re.findall(r"^\| (`plumb .*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
        named = {name for row in rows for name in re.findall(r"`plumb ([a-z]+)", row)}
        self.assertEqual(named, commands())

    def test_pages_and_help_have_the_same_options(self):
        for command in ["", *sorted(commands())]:
            with self.subTest(command=command or "plumb"):
                self.assertEqual(options_in_page(command), options(command))

    def test_completion_and_help_have_the_same_options(self):
        self.assertEqual(completed(str(PLUMB), ""), commands())
        for command in ["", *sorted(commands())]:
            with self.subTest(command=command or "plumb"):
                before = [str(PLUMB), command] if command else [str(PLUMB)]
                self.assertEqual(completed(*before, "-"), options(command))

    def test_completion_offers_the_values_that_the_help_lists(self):
        self.assertEqual(completed(str(PLUMB), "--color", ""), {"auto", "always", "never"})
        for option, kind in (("--kind", "KIND"), ("--state", "STATE"), ("--sort", "COLUMN")):
            listed = help_of("ls").split(f"\n{kind} is one of\n", 1)[1].split("\n\n", 1)[0]
            names = set(re.findall(r"[\w-]+", listed))
            self.assertGreater(len(names), 5)
            self.assertEqual(completed(str(PLUMB), "ls", option, ""), names)
        self.assertEqual(completed(str(PLUMB), "ls", "--kind", "tcp,ep"), {"tcp,epoll"})

    def test_completion_offers_processes(self):
        self.assertIn("1", completed(str(PLUMB), "ls", "1"))

    def test_mandoc_finds_no_fault(self):
        run("mandoc", "-T", "lint", "-W", "warning", *sorted((ROOT / "man").glob("*.1")))


if __name__ == "__main__":
    main()
