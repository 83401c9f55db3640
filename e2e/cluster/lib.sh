# What every script of the test cluster shares: where things are, how progress
# and errors are said, and which of the two kinds of cluster this machine has.
# Sourced by bash scripts that have set -euo pipefail.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Built once, kept outside of the checkout, valid for every checkout.
cache=${HOMERUN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/homerun}

# What belongs to the running cluster; `down` removes it.
if [ "$(id -u)" = 0 ]; then
  state=${HOMERUN_STATE:-/var/lib/homerun-node}
else
  state=${HOMERUN_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/homerun-node}
fi

# What finds and ends every process of the local node; see node/cgroup.sh.
cgroup_name=$(basename "$state")

# iptables and its like are not on an ordinary user's path.
PATH=$PATH:/usr/sbin:/sbin

# The name under which pods, the node and the operator reach the registry.
registry=registry.kube-system.svc

kind_cluster=homerun
kind_node=$kind_cluster-control-plane
system_images=(pause coredns metrics-server registry)

say() { printf '%s: %s\n' "${program:-cluster}" "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# timed TEXT COMMAND...: a line before a long step and its duration after it.
timed() {
  local text=$1 start
  shift
  start=$(date +%s%N)
  say "$text ..."
  "$@"
  say "$text: $(seconds_since "$start") s"
}

# seconds_since NANOSECONDS: "3.2"
seconds_since() {
  local tenths=$((($(date +%s%N) - $1) / 100000000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# until_true SECONDS WHAT COMMAND...: waits for a condition, fails with its name.
until_true() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$limit" ] || fail "$what did not happen in time; the logs are in $state/log"
    sleep 0.1
  done
}

# take_turn SECONDS: one of up and down at a time, each waits for the other.
# File 8 is open while waiting, file 9 (for children too) once it is our turn;
# if the script whose turn it was got killed, what it left running is ended.
take_turn() {
  local limit=$((SECONDS + $1)) lock=$cache/$cgroup_name.lock
  mkdir -p "$cache"
  exec 8<>"$lock"
  until flock --wait 1 8; do
    kill -0 "$(cat "$lock")" 2>/dev/null || end_orphans "$lock"
    [ "$SECONDS" -lt "$limit" ] || fail "another make cluster or cluster-down is still running (process $(cat "$lock"))"
  done
  exec 9<&8 8<&-
  echo $$ >"$lock"
}

end_orphans() {
  local file
  for file in /proc/[0-9]*/fd/9; do
    [ "$(readlink "$file")" != "$1" ] || kill -9 "$(cut -d/ -f3 <<<"$file")" 2>/dev/null || true
  done
}

docker_answers() {
  command -v docker >/dev/null && [ -n "$(docker info --format '{{.ServerVersion}}' 2>/dev/null)" ]
}

# provider: "kind" or "node", whichever runs now; nothing when none was started.
provider() { cat "$state/provider" 2>/dev/null || true; }

# node_pid: the host's number of the local node's first process, if it is alive.
# The control group proves that the number was not given to another process.
node_pid() {
  local pid
  pid=$(cat "$state/pid" 2>/dev/null) || return 1
  grep -q "/$cgroup_name" "/proc/$pid/cgroup" 2>/dev/null && echo "$pid"
}

# on_node COMMAND...: runs inside the node (its mounts, processes and network).
on_node() {
  case $(provider) in
  kind) docker exec -i "$kind_node" "$@" ;;
  node) nsenter -t "$(node_pid)" -m -p -n -u -i -- "$@" ;;
  *) fail "there is no cluster; make cluster starts one" ;;
  esac
}

kubectl() { "$here/../in" kubectl "$@"; }
