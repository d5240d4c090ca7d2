# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Completion of the plumb command for bash. Commands, options and the values that an option lists are
# read from the binary's own --help (some 5 ms), so that they cannot differ from it.

# _plumb_commands HELP: the names below "Subcommands:".
_plumb_commands() { sed -n '/^Subcommands:/,/^$/ s/^  \([a-z][a-z-]*\).*/\1/p' <<<"$1"; }

# _plumb_options HELP: -x and --long of each option.
_plumb_options() {
  sed -n 's/^  \+\(-[-,[:alnum:]]*\).*/\1/p' <<<"$1" | tr ',' '\n'
}

# _plumb_values HELP OPTION: the names that it takes. They stand in braces behind it (--color
# WHEN:{auto,always,never}), or below "KIND is one of" for an option whose value is a KIND.
_plumb_values() {
  local type
  type=$(sed -n "s/^  .*$2 \([A-Z]\+\).*/\1/p" <<<"$1")
  {
    sed -n "s/^  .*$2 [^{}]*{\([^}]*\)}.*/\1/p" <<<"$1"
    [[ -z $type ]] || sed -n "/^$type is one of/,/^\$/ s/^  //p" <<<"$1"
  } | tr -d ' ' | tr ',' '\n'
}

# Whom a selector can name: pids, command names, units of systemd; files are added by bash.
_plumb_selectors() {
  local folder name
  for folder in /proc/[0-9]*; do
    echo "${folder#/proc/}"
    read -r name 2>/dev/null <"$folder/comm" && [[ $name != *[^[:alnum:]._-]* ]] && echo "$name"
  done
  [[ $1 != unit:* ]] || systemctl list-units --no-legend --plain 2>/dev/null | sed 's/ .*//; s/^/unit:/'
}

_plumb() {
  local cur prev words cword
  _init_completion -n : || return
  local plumb=${words[0]} command='' word help answers
  for word in "${words[@]:1:cword-1}"; do
    [[ $word == -* ]] || { command=$word; break; }
  done
  help=$("$plumb" --help 2>/dev/null)
  if [[ -n $command ]]; then
    _plumb_commands "$help" | grep -qxF -- "$command" || return
    help=$("$plumb" "$command" --help 2>/dev/null)
  fi
  if [[ $cur == -* ]]; then
    answers=$(_plumb_options "$help")
  elif [[ $prev == -* ]] && answers=$(_plumb_values "$help" "$prev") && [[ -n $answers ]]; then
    # A list: the last name is completed, those before it stay.
    local before=
    [[ $cur != *,* ]] || before=${cur%,*},
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$answers" -- "${cur##*,}")
    compopt -o nospace
    return
  elif [[ -z $command ]]; then
    answers=$(_plumb_commands "$help")
  else
    answers=$(_plumb_selectors "$cur")
    compopt -o default
  fi
  mapfile -t COMPREPLY < <(compgen -W "$answers" -- "$cur")
  __ltrim_colon_completions "$cur"
}
complete -F _plumb plumb
