# SPDX-License-Identifier: Apache-2.0
# A Python program that opens a file under a method, a generator, a callback from C and an import.
import os
import sys


class Keeper:
    def keep(self, name):
        return os.open(name, os.O_RDONLY)  # line 9


def through_sort(name):
    keeper = Keeper()
    return sorted([2, 1], key=lambda value: keeper.keep(name) and value)  # line 14


def generate(name):
    yield through_sort(name)  # line 18


for value in generate("/dev/null"):  # line 21
    sys.exit(0)
