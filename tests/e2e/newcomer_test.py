#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./plumb and ./test on a miniature project.

The scripts are plumb's own; the project that they build is a C file of three lines, so that every
path can be walked in seconds. apt-get, sudo and dpkg-query are stand-ins that write down what they
were asked. The real build on a real Debian is tried by package_test.py and by a fresh clone.
"""
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main  # noqa: E402  (after the path)

CMAKELISTS = """\
cmake_minimum_required(VERSION 3.25)
project(mini LANGUAGES C)
enable_testing()
file(GLOB sources CONFIGURE_DEPENDS src/*.c)
add_executable(plumb ${sources})
set_target_properties(plumb PROPERTIES RUNTIME_OUTPUT_DIRECTORY src/app/cli)
add_test(NAME good COMMAND true)
add_test(NAME bad COMMAND sh -c "echo it broke; test -e mended")
add_test(NAME absent COMMAND sh -c "echo skip: no moon tonight; exit 77")
set_tests_properties(bad PROPERTIES WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
set_tests_properties(absent PROPERTIES SKIP_RETURN_CODE 77)
"""
PRESET = '{ "name": "%s", "generator": "Ninja", "binaryDir": "${sourceDir}/build/%s" }'
PRESETS = """{ "version": 6,
  "configurePresets": [ %s, %s ],
  "buildPresets": [ { "name": "release", "configurePreset": "release" }, { "name": "dev", "configurePreset": "dev" } ],
  "testPresets": [ { "name": "dev", "configurePreset": "dev" } ] }
""" % (PRESET % ("release", "release"), PRESET % ("dev", "dev"))
# Prints a word of its own, each argument, and stdin; ends with the number of arguments.
PROGRAM = """\
#include <stdio.h>
int extra(void);
int __attribute__((weak)) extra(void) { return 0; }
int main(int argc, char** argv) {
  printf("WORD%d", extra());
  for (int i = 1; i < argc; ++i) printf("|%s", argv[i]);
  for (int c = getchar(); c != EOF; c = getchar()) putchar(c);
  return argc - 1;
}
"""
STAND_INS = {
    "apt-get": 'echo "apt-get $*" >>"$CALLS"; exit "${APT_STATUS:-0}"',
    "dpkg-query": 'echo "cmake installed"; test -n "${MISSING-}" || sed -n "s/^\\([a-z0-9][^ ]*\\).*/\\1 installed/p" "$PACKAGES"',
    "id": "echo ${USER_ID:-0}",
    "sudo": 'echo "sudo $*" >>"$CALLS"; test -z "${SUDO_REFUSES-}" || exit 1; case $1 in -n|-v) exit 0 ;; esac; exec "$@"',
}


class Newcomer(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="plumb-newcomer-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.tree = self.folder / "a tree with spaces"
        (self.tree / "src").mkdir(parents=True)
        for name in ("plumb", "test", "tools"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, self.tree / name)
        (self.tree / "CMakeLists.txt").write_text(CMAKELISTS)
        (self.tree / "CMakePresets.json").write_text(PRESETS)
        self.source = self.tree / "src/main.c"
        self.write("one")
        stand_ins = self.folder / "bin"
        stand_ins.mkdir()
        for name, body in STAND_INS.items():
            (stand_ins / name).write_text(f"#!/bin/sh\n{body}\n")
            (stand_ins / name).chmod(0o755)
        self.calls = self.folder / "calls"
        self.calls.touch()
        self.environment = dict(
            os.environ, PATH=f"{stand_ins}:{os.environ['PATH']}", CALLS=str(self.calls),
            PACKAGES=str(self.tree / "tools/packages"))
        self.environment.pop("CMAKE_CXX_COMPILER_LAUNCHER", None)

    def write(self, word):
        self.source.write_text(PROGRAM.replace("WORD", word))

    def run_it(self, *arguments, script="plumb", stdin="", cwd="/", **environment):
        return subprocess.run(
            [self.tree / script, *arguments], input=stdin, capture_output=True, text=True, cwd=cwd,
            env={**self.environment, **environment}, timeout=120, check=False)

    def on_terminal(self, *arguments, answer, **environment):
        """Runs ./plumb on a terminal of its own, types the answer; returns (what was shown, status)."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(self.tree / "plumb", ["plumb", *arguments], {**self.environment, **environment})
        os.write(terminal, answer.encode())
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # EIO: the other side has closed
                break
        os.close(terminal)
        return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_builds_then_runs_the_command_with_its_arguments_input_and_status(self):
        first = self.run_it("a b", "", "*", stdin="typed")
        self.assertEqual((first.stdout, first.returncode), ("one0|a b||*typed", 3))
        self.assertIn("building", first.stderr)
        again = self.run_it()
        self.assertEqual((again.stdout, again.stderr, again.returncode), ("one0", "", 0))

    def test_adds_less_than_50_ms_when_all_is_built(self):
        self.run_it()

        def fastest(command):
            took = []
            for _ in range(15):
                start = time.monotonic()
                subprocess.run([command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               env=self.environment, check=True)
                took.append(time.monotonic() - start)
            return min(took)

        added = fastest(self.tree / "plumb") - fastest(self.tree / "build/release/src/app/cli/plumb")
        self.assertLess(added, 0.050)

    def test_sees_a_changed_an_added_and_a_removed_file(self):
        self.run_it()
        self.write("two")
        self.assertEqual(self.run_it().stdout, "two0")
        added = self.tree / "src/extra.c"
        added.write_text("int extra(void); int extra(void) { return 7; }\n")
        self.assertEqual(self.run_it().stdout, "two7")
        added.unlink()
        self.assertEqual(self.run_it().stdout, "two0")
        self.assertEqual(self.run_it().stderr, "")

    def test_two_at_once_build_once(self):
        both = [subprocess.Popen([self.tree / "plumb"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, env=self.environment) for _ in range(2)]
        answers = [one.communicate(timeout=120) for one in both]
        self.assertEqual([out for out, _ in answers], ["one0", "one0"])
        self.assertEqual(sum("building" in err for _, err in answers), 1)

    def test_works_through_a_symlink_from_elsewhere_and_without_stdin(self):
        link = self.folder / "my plumb"
        link.symlink_to(self.tree / "plumb")
        shown = subprocess.run(["sh", "-c", '"$0" <&-', link], capture_output=True, text=True,
                               cwd=self.folder, env=self.environment, check=True)
        self.assertEqual(shown.stdout, "one0")

    def test_a_tree_that_moved_builds_again(self):
        self.run_it()
        self.tree = self.tree.rename(self.folder / "moved")
        self.source = self.tree / "src/main.c"
        self.environment["PACKAGES"] = str(self.tree / "tools/packages")
        self.write("two")
        self.assertEqual(self.run_it().stdout, "two0")

    def test_a_failed_build_says_so_and_a_mended_one_works(self):
        self.source.write_text("int main(void) { return missing_name; }\n")
        broken = self.run_it()
        self.assertEqual((broken.stdout, broken.returncode), ("", 3))
        self.assertIn("missing_name", broken.stderr)
        self.assertIn("release.build.log", broken.stderr)
        self.assertIn("plumb was not built", broken.stderr)
        self.write("two")
        self.assertEqual(self.run_it().stdout, "two0")

    def test_an_interrupted_build_leaves_no_lock(self):
        self.source.write_text('#include "slow.h"\nint main(void) { return 0; }\n')
        os.mkfifo(self.tree / "src/slow.h")  # the compiler waits here for ever
        build = subprocess.Popen([self.tree / "plumb"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 text=True, env=self.environment, start_new_session=True)
        for line in build.stderr:
            if "building" in line:
                break
        time.sleep(0.3)
        os.killpg(build.pid, signal.SIGINT)
        build.stderr.close()
        self.assertNotEqual(build.wait(timeout=20), 0)
        (self.tree / "src/slow.h").unlink()
        self.write("two")
        after = self.run_it()
        self.assertEqual(after.stdout, "two0")
        self.assertNotIn("waiting", after.stderr)

    def test_a_compiler_launcher_that_is_not_there_is_not_used(self):
        self.assertEqual(self.run_it(CMAKE_C_COMPILER_LAUNCHER="/no/such/cache",
                                     CMAKE_CXX_COMPILER_LAUNCHER="/no/such/cache").stdout, "one0")

    def test_installs_what_is_missing_as_root(self):
        shown = self.run_it(MISSING="1")
        self.assertEqual(shown.stdout, "one0")
        self.assertRegex(self.calls.read_text(), r"(?m)^apt-get -y .* install --no-install-recommends .*\bg\+\+")
        self.assertNotIn("sudo", self.calls.read_text())

    def test_uses_sudo_without_a_question_when_nobody_is_there(self):
        self.assertEqual(self.run_it(MISSING="1", USER_ID="1000").stdout, "one0")
        self.assertRegex(self.calls.read_text(), r"(?m)^sudo env .* install")

    def test_says_what_to_do_when_root_is_not_to_be_had(self):
        refused = self.run_it(MISSING="1", USER_ID="1000", SUDO_REFUSES="1")
        self.assertEqual((refused.stdout, refused.returncode), ("", 3))
        self.assertIn("As root: apt-get install", refused.stderr)
        (self.folder / "bin/sudo").unlink()
        tools = self.folder / "tools"  # a PATH on which no sudo can be found
        tools.mkdir()
        for name in ("bash", "awk", "grep", "xargs", "readlink", "dirname", "flock", "find", "mkdir", "sed", "echo"):
            (tools / name).symlink_to(shutil.which(name))
        without = self.run_it(MISSING="1", USER_ID="1000", PATH=f"{self.folder}/bin:{tools}")
        self.assertEqual(without.returncode, 3)
        self.assertIn("there is no sudo here", without.stderr)

    def test_asks_a_person_before_it_uses_sudo(self):
        shown, status = self.on_terminal(answer="n\n", MISSING="1", USER_ID="1000")
        self.assertIn("install them with sudo apt-get? [Y/n]", shown)
        self.assertEqual((status, self.calls.read_text()), (3, ""))
        shown, _ = self.on_terminal(answer="\n\x04", MISSING="1", USER_ID="1000")
        self.assertIn("one0", shown)
        self.assertIn("install", self.calls.read_text())

    def test_yes_is_no_question(self):
        shown, _ = self.on_terminal("--yes", answer="\x04", MISSING="1", USER_ID="1000")
        self.assertNotIn("[Y/n]", shown)
        self.assertIn("one0", shown)

    def test_shows_progress_on_a_terminal(self):
        shown, _ = self.on_terminal(answer="\x04")
        self.assertIn("[1/2]", shown)

    def test_says_that_packages_could_not_be_installed(self):
        failed = self.run_it(MISSING="1", APT_STATUS="100")
        self.assertEqual(failed.returncode, 3)
        self.assertIn("the packages could not be installed", failed.stderr)

    def test_test_counts_passes_failures_and_skips(self):
        shown = self.run_it("dev", script="test")
        lines = shown.stdout.splitlines()
        self.assertEqual((lines[-1], shown.returncode), ("1 passed, 1 failed, 1 skipped", 1))
        self.assertIn("failed: dev: bad", lines)
        self.assertIn("    it broke", lines)
        self.assertIn("skipped: dev: absent: no moon tonight", lines)
        (self.tree / "mended").touch()
        again = self.run_it("dev", script="test")
        self.assertEqual((again.stdout.splitlines()[-1], again.returncode), ("2 passed, 0 failed, 1 skipped", 0))

    def test_test_counts_a_broken_build_as_a_failure(self):
        self.run_it("dev", script="test")
        self.source.write_text("int main(void) { return missing_name; }\n")
        shown = self.run_it("dev", script="test")
        self.assertEqual((shown.stdout.splitlines()[-1], shown.returncode), ("0 passed, 1 failed", 1))
        self.assertIn("failed: dev: could not be built", shown.stdout)


if __name__ == "__main__":
    main()
