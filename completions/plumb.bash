# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Completion of the plumb command for bash.
_plumb() { COMPREPLY=(); }
complete -F _plumb plumb
