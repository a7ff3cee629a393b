# What the scripts of this folder share. They set out, the folder of the results, and
# deadline, the value of SECONDS at which everything has to end.

# part NAME LIMIT COMMAND...: runs a command for at most LIMIT seconds, or for what is left
# until the deadline, and notes how it ended; a failure does not stop the script. What the
# command prints goes to NAME.txt; JSON of its own it writes to NAME.json.
part() {
  local name=$1 limit=$2 start status
  shift 2
  rm -f "$out/$name.txt" "$out/$name.json"
  if [ "$limit" -gt $((deadline - SECONDS)) ]; then limit=$((deadline - SECONDS)); fi
  if [ "$limit" -lt 3 ]; then
    note "$name" skipped 0 "no time left: $*"
    return
  fi
  start=$EPOCHREALTIME
  status=0
  # What does not listen is killed, of which the shell need not tell.
  { timeout --signal=INT --kill-after=5 "$limit" "$@" >"$out/$name.txt" 2>&1 </dev/null || status=$?; } 2>/dev/null
  case $status in 124 | 137) status=timeout ;; esac
  note "$name" "$status" "$(awk "BEGIN {print $EPOCHREALTIME - $start}")" "$*"
}

# note NAME STATUS SECONDS TEXT: one line of the list of parts.
note() {
  printf '%s\t%s\t%s\t%s\n' "$@" >>"$out/parts.tsv"
  printf '%-28s %-8s %6.1f s\n' "$1" "$2" "$3"
}

# has MODULE...: whether the Python in $python can import them.
has() {
  local m
  for m in "$@"; do "$python" -c "import $m" >/dev/null 2>&1 || return 1; done
}
