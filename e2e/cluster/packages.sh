# The programs that come from the distribution.

# need_packages COMMAND:PACKAGE...: installs what is missing on Debian and its
# kin; elsewhere, and without root, names it.
need_packages() {
  local missing=() pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || fail "please install: ${missing[*]} (as root on Debian or Ubuntu this would be done here)"
  timed "installing Debian packages: ${missing[*]}" install_packages "${missing[@]}"
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
