#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fails when clang-format 14 would change a C or C++ file of the tree.
set -eu
cd "$1"
git ls-files -co --exclude-standard -- '*.cc' '*.h' '*.c' | xargs -r clang-format-14 --dry-run --Werror
echo "format: clean"
