# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the cases' run scripts have in common. A case is started by `run STATE [healthy]`: STATE is an
# empty folder of its own. In it stand afterwards `pids`, one a line, and `victim`, a selector for
# plumb explain. `stop STATE` ends what was started.
set -euo pipefail

STATE=$1
HEALTHY=${2:-}
CASE=$(cd "$(dirname "$0")" && pwd)
export STATE HEALTHY CASE

# in_background COMMAND…: runs it with its output in STATE, remembers it.
in_background() {
  "$@" >>"$STATE/log" 2>&1 </dev/null &
  echo $! >>"$STATE/pids"
}

# wait_for FILE: until a program has written it, at most ten seconds.
wait_for() {
  local tries
  for ((tries = 0; tries < 200; ++tries)); do
    [[ -s $1 ]] && return
    sleep 0.05
  done
  echo "run: nothing wrote $1" >&2
  exit 1
}

# go_build SOURCE [FLAGS…]: an executable of a single file, in STATE. Where BUILDS names a folder, a case
# and its twin share what stands there.
go_build() {
  local program kept=${BUILDS:+$BUILDS/${*//[\/ ]/_}}
  program=$STATE/$(basename "$1" .go)
  if [[ -n $kept && -x $kept ]]; then
    cp "$kept" "$program"
    return
  fi
  GO111MODULE=off CGO_ENABLED=0 go build "${@:2}" -o "$program" "$1"
  [[ -z $kept ]] || { cp "$program" "$kept.$$" && mv "$kept.$$" "$kept"; }
}

# c_build SOURCE: the same, with lines and optimised.
c_build() {
  cc -O2 -g -Wall -D_GNU_SOURCE -pthread -o "$STATE/$(basename "$1" .c)" "$1"
}

# free_port: one that nobody listens at now.
free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

victim() { echo "$1" >"$STATE/victim"; }
last_pid() { tail -n 1 "$STATE/pids"; }
