#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian packages pass lintian; a program outside the tree finds the installed library."""
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import release
from scripted import main, run


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="plumb-packages-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.packages = release.copy_packages(cls.folder)
        cls.prefix = cls.folder / "prefix"
        release.install(cls.prefix)

    def test_lintian_finds_nothing(self):
        self.assertEqual(len(self.packages), 2, self.packages)
        said = run("lintian", "--allow-root", "--fail-on", "error,warning", *self.packages)
        self.assertNotRegex(said, r"(?m)^[EW]:")

    def test_a_program_outside_finds_the_library(self):
        """It includes every installed header and links every exported target."""
        targets = set(re.findall(r"add_library\((plumb::\w+)", next(
            self.prefix.rglob("plumb-targets.cmake")).read_text()))
        self.assertIn("plumb::base", targets)
        headers = sorted(each.relative_to(self.prefix / "include") for each in self.prefix.rglob("*.h"))
        self.assertTrue(headers)
        outside = self.folder / "outside"
        outside.mkdir()
        (outside / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(outside LANGUAGES CXX)\n"
            "find_package(plumb 0.1 REQUIRED)\nadd_executable(outside outside.cc)\n"
            f"target_link_libraries(outside PRIVATE {' '.join(sorted(targets))})\n")
        (outside / "outside.cc").write_text(
            "".join(f'#include "{each}"\n' for each in headers) +
            "#include <fcntl.h>\n#include <cstdio>\n"
            "int main() {\n"
            '  auto file = plumb::UniqueFd::open("/etc/passwd", O_RDONLY);\n'
            '  std::puts(file.ok() ? "opened" : file.error().message().c_str());\n'
            "}\n")
        run("cmake", "-S", outside, "-B", outside / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", outside / "build")
        self.assertEqual(run(outside / "build/outside"), "opened\n")
        # Whatever the linker was given from the system, libplumb-dev must bring along; libc comes with g++.
        commands = run("ninja", "-C", outside / "build", "-t", "commands", "outside")
        libraries = {re.sub(r"\.so\b.*", ".so", each) for each in re.findall(r"/usr/lib/\S+\.(?:so[.\d]*|a)", commands)}
        for name in set(re.findall(r"(?<=\s)-l(\w+)", commands)):
            libraries.add(os.path.normpath(run("g++", f"-print-file-name=lib{name}.so").strip()))
        owners = {run("dpkg", "-S", each).split(":")[0] for each in libraries}
        dev = next(each for each in self.packages if each.name.startswith("libplumb-dev"))
        depends = re.findall(r"[a-z][a-z0-9+.-]+", run("dpkg-deb", "-f", dev, "Depends"))
        self.assertLessEqual(owners - {"libc6-dev"}, set(depends))

    def test_a_copy_of_the_examples_builds_outside(self):
        examples = shutil.copytree(release.ROOT / "examples", self.folder / "examples")
        run("cmake", "-S", examples, "-B", examples / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", examples / "build")
        self.assertTrue((examples / "build/echo_server").exists())


if __name__ == "__main__":
    main()
