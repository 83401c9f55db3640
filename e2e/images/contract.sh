# The two images that tell what a container finds inside (container contract): a
# static program that is to run as a user of its own, and one on Node that names
# no user. Both work in a folder that everybody may write to.

contract_folder=/work

contract_files() { # FOLDER
  base_files "$1"
  mkdir -m 1777 "$1$contract_folder"
}

contract_settings() { # TAG USER ENTRYPOINT...
  jq -n --arg tag "$1" --arg user "$2" --arg folder "$contract_folder" '{
    WorkingDir: $folder, Env: ["PATH=/usr/bin:/bin", "FROM_IMAGE=kept"], Entrypoint: $ARGS.positional,
    Labels: {"org.opencontainers.image.version": $tag}
  } + if $user == "" then {} else {User: $user} end' --args "${@:3}"
}

build_contract() {
  local tag=$1 folder base program settings
  folder=$(tool contract)
  program=$(basename "$folder")
  base=contract-base-$(recipe | key_of)
  settings=$(contract_settings "$tag" 65532:65532 /contract)
  layer "$base" contract_files
  layer "$program" program_files "$folder/contract" /contract
  image "$registry/contract:$tag" "contract-$tag-$(printf '%s\n' "$base" "$program" "$settings" | key_of)" "$settings" "$base" "$program"
}

build_contract_node() {
  local tag=$1 debian node app settings
  need_debian
  debian=contract-debian-$({ recipe; debian_versions; } | key_of)
  node=$(node_layer)
  app=contract-app-$(key_of <"$here/../images/contract-node/main.ts")
  settings=$(contract_settings "$tag" "" /usr/bin/node /app/main.ts)
  layer "$debian" contract_node_files
  layer "$node" node_files
  layer "$app" contract_app_files
  image "$registry/contract-node:$tag" "contract-node-$tag-$(printf '%s\n' "$debian" "$node" "$app" "$settings" | key_of)" \
    "$settings" "$debian" "$node" "$app"
}

contract_node_files() { # FOLDER
  debian_files "$1"
  mkdir -m 1777 "$1$contract_folder"
}

contract_app_files() { # FOLDER
  mkdir "$1/app"
  install -m 644 "$here/../images/contract-node/main.ts" "$1/app/main.ts"
  echo '{"type":"module"}' >"$1/app/package.json"
}
