# The programs that the local node takes from the distribution.

# need_packages: installs what is missing on Debian and its kin; elsewhere names it.
need_packages() {
  local missing=()
  need containerd containerd
  need runc runc
  need iptables iptables
  need conntrack conntrack
  need ip iproute2
  need unshare util-linux
  need openssl openssl
  need curl curl
  need jq jq
  [ -x "$(cni_folder)/ptp" ] || missing+=(containernetworking-plugins)
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    fail "the local node needs these packages, and there is no apt-get to install them: ${missing[*]}"
  timed "installing Debian packages: ${missing[*]}" install_packages "${missing[@]}"
}

need() { # COMMAND PACKAGE
  command -v "$1" >/dev/null || missing+=("$2")
}

install_packages() {
  local log
  log=$(mktemp)
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; rm -f "$log"; fail "apt-get could not install: $*"; }
  rm -f "$log"
}

# cni_folder: Debian keeps the plugins in /usr/lib/cni, everyone else in /opt/cni/bin.
cni_folder() {
  if [ -d /usr/lib/cni ]; then echo /usr/lib/cni; else echo /opt/cni/bin; fi
}
