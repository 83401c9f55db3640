# Images without Docker: an OCI layout made with tar, gzip and jq. The same
# input gives the same bytes, and so the same digest, on every run.

layers=$cache/layers
images=$cache/images

# key_of: a short name for its input.
key_of() { sha256sum | cut -c1-16; }

# recipe: how images are made, which is a part of what they are.
recipe() { cat "$here"/../images/{build,homerun.sh,contract.sh,builders.sh,oci.sh}; }

# forget_unused: drops what no build has asked for in two weeks.
forget_unused() {
  mkdir -p "$layers" "$images"
  find "$layers" "$images" -mindepth 1 -maxdepth 1 -mtime +14 -exec rm -rf {} +
}

# How the files of a layer are written down; one with capabilities of programs needs another format.
layer_format=(--format=gnu)

# layer KEY FUNCTION...: makes the layer named KEY, once, from what the function
# puts into the folder that it gets as its last argument.
layer() {
  local key=$1 part
  shift
  if [ -d "$layers/$key" ]; then
    touch "$layers/$key"
    return
  fi
  part=$(mktemp -d "$layers/.part.XXXXXX")
  (umask 022 && mkdir "$part/files")
  "$@" "$part/files"
  tar -C "$part/files" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner "${layer_format[@]}" -cf "$part/tar" \
    $(ls -A "$part/files")
  sha256sum <"$part/tar" | cut -d' ' -f1 >"$part/diff-id"
  gzip -n6 "$part/tar"
  sha256sum <"$part/tar.gz" | cut -d' ' -f1 >"$part/digest"
  rm -r "$part/files"
  chmod 755 "$part"
  mv -T "$part" "$layers/$key" 2>/dev/null || rm -rf "$part" # someone else was faster
}

# image NAME:TAG KEY CONFIG LAYER...: makes the image named KEY, once, and prints
# its folder; CONFIG is the runtime part of its configuration (User, Entrypoint, ...).
image() {
  local reference=$1 folder=$images/$2 settings=$3
  shift 3
  [ -d "$folder" ] || make_image "$@"
  touch "$folder"
  echo "$folder"
}

make_image() { # LAYER...
  local part key digest config manifest digests=() files=()
  part=$(mktemp -d "$folder.XXXXXX")
  mkdir -p "$part/blobs/sha256"
  for key in "$@"; do
    digest=$(cat "$layers/$key/digest")
    ln "$layers/$key/tar.gz" "$part/blobs/sha256/$digest" 2>/dev/null || cp "$layers/$key/tar.gz" "$part/blobs/sha256/$digest"
    digests+=("$(cat "$layers/$key/diff-id")")
    files+=("$digest")
  done
  config=$(jq -n --argjson settings "$settings" --arg arch "$(go env GOARCH)" \
    '{created: "1970-01-01T00:00:00Z", architecture: $arch, os: "linux", config: $settings,
      rootfs: {type: "layers", diff_ids: ($ARGS.positional | map("sha256:" + .))}}' --args "${digests[@]}" | blob "$part")
  manifest=$(jq -n --argjson config "$(descriptor "$part" "$config" config.v1+json)" --argjson layers "$(
    for digest in "${files[@]}"; do descriptor "$part" "$digest" layer.v1.tar+gzip; done | jq -s .
  )" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config: $config, layers: $layers}' | blob "$part")
  descriptor "$part" "$manifest" manifest.v1+json |
    jq --arg name "$reference" '{schemaVersion: 2, manifests: [. + {annotations: {"io.containerd.image.name": $name}}]}' >"$part/index.json"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$part/oci-layout"
  chmod 755 "$part"
  mv -T "$part" "$folder" 2>/dev/null || rm -rf "$part"
}

# blob FOLDER: stores its input and prints the digest.
blob() {
  local part digest
  part=$(mktemp "$1/blob.XXXXXX")
  cat >"$part"
  digest=$(sha256sum <"$part" | cut -d' ' -f1)
  chmod 644 "$part"
  mv "$part" "$1/blobs/sha256/$digest"
  echo "$digest"
}

descriptor() { # FOLDER DIGEST TYPE
  printf '{"mediaType": "application/vnd.oci.image.%s", "digest": "sha256:%s", "size": %d}\n' \
    "$3" "$2" "$(stat -c %s "$1/blobs/sha256/$2")"
}

# image_digest FOLDER: the digest by which a registry knows the image.
image_digest() { jq -r '.manifests[0].digest' "$1/index.json"; }
