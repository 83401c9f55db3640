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

# unpacked PACKAGE: the folder in the cache with the files of a Debian package, which is not installed.
unpacked() {
  local dir=$cache/debian/$1
  [ -d "$dir" ] || timed "fetching Debian's $1" unpack "$1" "$dir"
  echo "$dir"
}

unpack() { # PACKAGE FOLDER
  command -v apt-get >/dev/null || fail "please install: $1 (on Debian or Ubuntu it would be fetched here)"
  local part
  mkdir -p "$(dirname "$2")"
  part=$(mktemp -d "$(dirname "$2")/.$1.XXXXXX")
  # Without root the lists of packages are as they are.
  { [ "$(id -u)" != 0 ] || apt-get update; } >"$part/log" 2>&1 && (cd "$part" && apt-get download "$1") >>"$part/log" 2>&1 ||
    { tail -n 20 "$part/log" >&2; rm -rf "$part"; fail "apt-get could not fetch $1"; }
  dpkg -x "$part"/*.deb "$part/files"
  mv -T "$part/files" "$2"
  rm -rf "$part"
}

# cni_folder: Debian keeps the plugins in /usr/lib/cni, everyone else in /opt/cni/bin.
cni_folder() {
  if [ -d /usr/lib/cni ]; then echo /usr/lib/cni; else echo /opt/cni/bin; fi
}
