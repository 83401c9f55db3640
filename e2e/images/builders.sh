# The two images that build sources in the cluster. `buildkit` is what BuildKit's own image without root is (its Dockerfile,
# stage "rootless"), of Debian's packages instead of Alpine's. `builder` is one for Cloud Native Buildpacks with the one
# buildpack in the folder of that name. Files of a layer are root's: folders of the user are open to all instead.

builder_user=1000
shell_packages=(busybox-static)
# runc and newuidmap with what they are linked against.
buildkit_packages=(libc6 runc libseccomp2 uidmap libaudit1 libcap-ng0 libselinux1 libpcre2-8-0)

build_buildkit() {
  local tag=$1 folder base programs settings
  local layer_format=(--format=pax --pax-option=delete=atime,delete=ctime --xattrs --xattrs-include=security.capability)
  need_debian
  need_packages setcap:libcap2-bin
  folder=$(tool buildkit)
  programs=$(basename "$folder")
  base=buildkit-base-$({ recipe; package_versions "${shell_packages[@]}" "${buildkit_packages[@]}"; } | key_of)
  settings=$(jq -n --arg tag "$tag" --arg user "$builder_user:$builder_user" '{
    User: $user, Entrypoint: ["rootlesskit", "buildkitd"], Labels: {"org.opencontainers.image.version": $tag},
    Env: ["PATH=/usr/bin:/usr/sbin:/bin", "HOME=/home/user", "USER=user", "XDG_RUNTIME_DIR=/run/user/1000",
      "TMPDIR=/home/user/.local/tmp", "BUILDKIT_HOST=unix:///run/user/1000/buildkit/buildkitd.sock"]
  }')
  layer "$base" buildkit_files
  layer "$programs" programs_files "$folder" /usr/bin
  image "$registry/buildkit:$tag" "buildkit-$tag-$(printf '%s\n' "$base" "$programs" "$settings" | key_of)" "$settings" "$base" "$programs"
}

build_builder() {
  local tag=$1 folder base programs buildpack settings
  need_debian
  folder=$(tool lifecycle)
  programs=$(basename "$folder")
  base=builder-base-$({ recipe; package_versions "${shell_packages[@]}"; } | key_of)
  buildpack=builder-buildpack-$({ recipe; cat "$here"/../images/builder/*; } | key_of)
  # The lifecycle looks for a run image of run.toml with TLS alone, so that it is named here too.
  settings=$(jq -n --arg tag "$tag" --arg user "$builder_user" --arg run "$registry/contract-node:1" '{
    User: "\($user):\($user)", Labels: {"org.opencontainers.image.version": $tag},
    Env: ["PATH=/usr/bin:/bin", "CNB_USER_ID=\($user)", "CNB_GROUP_ID=\($user)", "CNB_RUN_IMAGE=\($run)"]
  }')
  layer "$base" builder_files
  layer "$programs" lifecycle_files "$folder"
  layer "$buildpack" buildpack_files
  image "$registry/builder:$tag" "builder-$tag-$(printf '%s\n' "$base" "$programs" "$buildpack" "$settings" | key_of)" \
    "$settings" "$base" "$programs" "$buildpack"
}

buildkit_files() { # FOLDER
  package_files "$1" "${buildkit_packages[@]}"
  builder_files "$1"
  ln -s /usr/sbin/runc "$1/usr/bin/buildkit-runc"
  # Debian's are setuid, which in a container without CAP_SYS_ADMIN is not enough to write a map of users.
  chmod u-s "$1"/usr/bin/new{u,g}idmap
  { setcap cap_setuid=ep "$1/usr/bin/newuidmap" && setcap cap_setgid=ep "$1/usr/bin/newgidmap"; } ||
    fail "only root can make the image with BuildKit: programs in it have capabilities"
  echo user:100000:65536 | tee "$1/etc/subuid" >"$1/etc/subgid"
  rm -rf "$1"/usr/share/{bash-completion,doc,lintian,locale,man} "$1"/usr/lib/*-linux-gnu/{gconv,audit}
  mkdir -p -m 1777 "$1"/run/user/1000 "$1"/home/user/.local/{tmp,share/buildkit}
}

builder_files() { # FOLDER
  package_files "$1" "${shell_packages[@]}"
  base_files "$1"
  echo "user:x:$builder_user:$builder_user:user:/home/user:/bin/sh" >>"$1/etc/passwd"
  echo "user:x:$builder_user:" >>"$1/etc/group"
  mkdir -p "$1/usr/bin"
  # Each program at the place that scripts name, as far as no package has it.
  "$1/bin/busybox" --list-full | while read -r program; do
    mkdir -p "$1/$(dirname "$program")"
    [ -e "$1/$program" ] || ln -s /bin/busybox "$1/$program"
  done
}

programs_files() { # FROM PATH FOLDER
  local program
  for program in "$1"/*; do program_files "$program" "$2/$(basename "$program")" "$3"; done
}

# The phases are one program under several names.
lifecycle_files() { # FROM FOLDER
  local phase
  programs_files "$1" /cnb/lifecycle "$2"
  for phase in analyzer builder creator detector exporter restorer; do ln -s lifecycle "$2/cnb/lifecycle/$phase"; done
}

buildpack_files() { # FOLDER
  local from=$here/../images/builder to=$1/cnb/buildpacks/e2e_node/1
  install -D -m 644 "$from/order.toml" "$1/cnb/order.toml"
  install -D -m 644 "$from/run.toml" "$1/cnb/run.toml"
  install -D -m 644 "$from/buildpack.toml" "$to/buildpack.toml"
  install -D -m 755 -t "$to/bin" "$from"/{detect,build}
}
