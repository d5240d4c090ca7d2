#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What plumb trace costs for each open+close, side by side with strace on the same loop: open_close.sh BUILD.
# Processor time of the traced thread in us a pair; medians; alternating, three times.
set -eu
plumb=$1/src/app/cli/plumb
source=$(dirname "$0")/open_close.c
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gcc -O2 "$source" -o "$folder/plain"
gcc -O2 -fno-omit-frame-pointer "$source" -o "$folder/frame-pointers"
for turn in 1 2 3; do
  for program in plain frame-pointers; do
    bare=$("$folder/$program" 1)
    "$folder/$program" 5 >"$folder/traced" &
    "$plumb" trace $! --for 8s >/dev/null || [ $? -eq 1 ]
    wait $!
    strace=$(strace -o "$folder/log" "$folder/$program" 1 1000)
    echo "$turn $program: bare $bare, plumb trace $(cat "$folder/traced"), strace $strace"
  done
done
