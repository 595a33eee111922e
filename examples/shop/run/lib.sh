# shellcheck shell=bash
# lib.sh: what the run scripts share; sourced, never run.

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck disable=SC2034 # for the scripts that source this
python=${SHOP_PYTHON:-/usr/bin/python3}

# setting NAME DEFAULT: from the environment, else from .env, else the default.
setting() {
  local value
  if [ -n "${!1-}" ]; then echo "${!1}"; return; fi
  value=$(sed -n "s/^$1=//p" "$home/.env" 2>/dev/null | tail -n 1)
  echo "${value:-$2}"
}

# processes WORDS: the ids of the processes whose command line contains WORDS. It does not need a pid file, so it also
# finds a process whose folder was deleted and restored beneath it.
processes() {
  local entry arguments
  for entry in /proc/[0-9]*; do
    { mapfile -d '' -t arguments <"$entry/cmdline"; } 2>/dev/null || continue
    [[ "${arguments[*]} " == *"$1 "* ]] && echo "${entry#/proc/}"
  done
  return 0
}

# stop_processes WORDS SIGNAL: asks them to end, waits ten seconds, then ends them. False when one is still there.
stop_processes() {
  local pids attempt
  pids=$(processes "$1")
  [ -n "$pids" ] || return 0
  # shellcheck disable=SC2086 # ids, one a word
  kill -s "$2" $pids 2>/dev/null || true
  for attempt in {1..150}; do
    sleep 0.1
    pids=$(processes "$1")
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086
    [ "$attempt" != 100 ] || kill -s KILL $pids 2>/dev/null || true
  done
  return 1
}

# port_taken PORT: true when something answers on it already.
port_taken() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
