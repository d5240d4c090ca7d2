# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What ./plumb and ./test share: install the missing packages, build a preset, say what happened.
# Sourced with $root set to the repository. Everything is said on stderr; stdout is the command's.
# Exit status 3 is "not possible here", with what to do about it, as for plumb itself.

: "${root:?is the repository}"
yes=no     # --yes: install without a question
person=no  # is somebody there to answer?
[ -t 0 ] && [ -t 2 ] && person=yes

say() { printf 'plumb: %s\n' "$*" >&2; }
give_up() { say "$@"; exit 3; }

# packages SECTION…: what tools/packages lists there.
packages() {
  awk -v wanted=" $* " '
    /^\[/ { on = index(wanted, " " substr($1, 2, length($1) - 2) " ") }
    on && /^[a-z0-9]/ { print $1 }' "$root/tools/packages"
}

# missing_packages SECTION…: those of them that are not installed.
missing_packages() {
  local installed
  # shellcheck disable=SC2046,SC2016  # one word a package; the format is dpkg's
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(packages "$@") 2>/dev/null |
    awk '$2 == "installed" { print $1 }')
  packages "$@" | grep -vxF "$installed" | xargs
}

# install_packages SECTION…: with apt, as root or through sudo. Asks before it uses sudo when
# somebody is there to answer and --yes was not given.
install_packages() {
  local missing become=() answer
  [ -z "${PLUMB_SKIP_PACKAGES:-}" ] || return 0
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "this is no Debian: building with what is here. Needed: $(packages "$@" | xargs)"
    return 0
  fi
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  say "missing packages: $missing"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      give_up "installing them needs root, and there is no sudo here. As root: apt-get install $missing"
    if [ $person = yes ]; then
      if [ $yes = no ]; then
        read -rp 'plumb: install them with sudo apt-get? [Y/n] ' answer || answer=n
        case $answer in [nN]*) give_up "nothing was installed. By hand: sudo apt-get install $missing" ;; esac
      fi
      sudo -v || give_up "sudo was refused. As root: apt-get install $missing"
    elif ! sudo -n true 2>/dev/null; then
      give_up "sudo wants a password and no terminal is here. As root: apt-get install $missing"
    fi
    become=(sudo)
  fi
  local apt=("${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300)
  # A mirror that cannot be reached now may be no harm: the lists may be fresh enough.
  step "reading the package lists" "$root/build/apt-update.log" "${apt[@]}" update ||
    say "going on with the package lists of before"
  # shellcheck disable=SC2086  # one word a package
  step "installing packages" "$root/build/apt-install.log" \
    "${apt[@]}" install --no-install-recommends $missing ||
    give_up "the packages could not be installed; plumb is built and tested on Debian 12"
}

# step LABEL LOG COMMAND…: runs COMMAND without stdin, its output in LOG. On a terminal its newest
# line stands beside LABEL. At failure the end of LOG is shown, and COMMAND's status returned.
step() {
  local label=$1 log=$2 status=0
  shift 2
  make_folder "$(dirname "$log")"
  if [ -t 2 ]; then
    set -o pipefail
    "$@" </dev/null 2>&1 9>&- | follow "$label" "$log" || status=$?
    set +o pipefail
  else
    say "$label"
    "$@" </dev/null >"$log" 2>&1 9>&- || status=$?
  fi
  [ $status = 0 ] && return
  say "failed: $label. The last lines of $log:"
  tail -n 20 "$log" | sed 's/^/  /' >&2
  return "$status"
}

# follow LABEL LOG: copies stdin to LOG, and its newest line to the terminal's last line.
follow() {
  local label=$1 line width
  width=$(tput cols 2>/dev/null || echo 80)
  : >"$2"
  printf 'plumb: %s…' "$label" >&2
  while IFS= read -r line || [ -n "$line" ]; do
    printf '%s\n' "$line" >>"$2"
    line="plumb: $label… ${line//[[:cntrl:]]/}"
    printf '\r\033[K%s' "${line:0:width-1}" >&2
  done
  printf '\r\033[K' >&2
}

make_folder() {
  if ! mkdir -p "$1" 2>/dev/null || [ ! -w "$1" ]; then
    give_up "cannot write $1: the folder above belongs to $(stat -c %U "$(dirname "$1")")"
  fi
}

# lock NAME: one run at a time, until unlock or the end of the script. Descriptor 9 is the lock; step
# closes it for its command, so that nothing left running can hold it.
lock() {
  make_folder "$root/build"
  exec 9>"$root/build/$1.lock" || give_up "cannot write $root/build/$1.lock"
  flock -n 9 || {
    say "waiting: another run holds $root/build/$1.lock"
    flock 9
  }
}
unlock() { exec 9>&-; }

# fresh PRESET: nothing that the build reads has changed since the last one began. Status change
# times are compared, which see an older file moved into place; folders count, so that a file that
# came or went is seen.
fresh() {
  local stamp=$root/build/$1/.built inputs=() name
  [ -e "$stamp" ] && [ -x "$root/build/$1/src/app/cli/plumb" ] || return
  for name in CMakeLists.txt CMakePresets.json cmake src include web; do
    [ -e "$root/$name" ] && inputs+=("$root/$name")
  done
  [ -z "$(find "${inputs[@]}" -name node_modules -prune -o -cnewer "$stamp" -print -quit)" ]
}

# build PRESET [TARGET]: configures and builds. Debian's tools come first in PATH, whatever else a
# developer has there. ccache is used where it is installed.
build() {
  local preset=$1 folder=$root/build/$1 launcher=${CMAKE_CXX_COMPILER_LAUNCHER-ccache} again=()
  local PATH=/usr/bin:/usr/sbin:/bin:/sbin:$PATH
  command -v "${launcher%%;*}" >/dev/null || launcher=
  local -x CMAKE_C_COMPILER_LAUNCHER=$launcher CMAKE_CXX_COMPILER_LAUNCHER=$launcher
  make_folder "$folder"
  touch "$folder/.built.new"
  # A tree that was moved cannot use the cache that CMake left at its old place.
  grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt" || again=(--fresh)
  step "configuring ($preset)" "$root/build/$preset.configure.log" \
    in_root cmake --preset "$preset" "${again[@]}" \
    -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" &&
    step "building ($preset)" "$root/build/$preset.build.log" \
      in_root cmake --build --preset "$preset" ${2:+--target "$2"} || return
  mv "$folder/.built.new" "$folder/.built"
  # A build through sudo must not lock out the owner of the tree.
  [ "$(id -u)" != 0 ] || chown -R --reference="$root" "$root/build"
}

in_root() (
  cd "$root" || exit
  exec "$@"
)
