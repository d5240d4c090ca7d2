#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fails when shellcheck finds fault with a shell script of the tree.
set -eu
cd "$1"
git ls-files -co --exclude-standard -z | xargs -0 grep -lIE '^(#!/bin/(ba)?sh|# shellcheck shell=)' -- |
  xargs -d '\n' shellcheck -x
echo "shell: clean"
