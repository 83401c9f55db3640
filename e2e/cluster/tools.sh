# The tools. Those that stand on Kubernetes' libraries share its Go module and so
# the versions of all that they have in common, which is compiled once; each other
# has a module of its own, so that their dependencies cannot clash. A binary lies
# in the cache under the hash of its module and of the function that builds it,
# if it has one of its own: NAME_programs. A change of these makes a new one and
# nothing else does.

kube_names=(etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)

# module_of NAME: where the source lies: a tool of the cluster, the programs of
# other tests, or a program for an image.
module_of() {
  local folder
  case $1 in
  argocd-controllers) set -- argocd ;;
  coredns | helm | metrics-server) set -- kube ;;
  go-client) set -- clients/go ;;
  kn) set -- clients/kn ;;
  esac
  for folder in "$here" "$here/.." "$here/../images" "$here/../terraform"; do
    [ ! -f "$folder/$1/go.mod" ] || break
  done
  echo "$folder/$1"
}

# tool_dir NAME: the folder that holds the tool, whether it is built or not.
tool_dir() {
  local hash
  hash=$(cd "$(module_of "$1")" && { cat go.mod go.sum; find . -name '*.go' -print0 | sort -z | xargs -0r cat; uname -m; recipe_of "$1"; } | sha256sum)
  echo "$cache/bin/$1-${hash:0:16}"
}

# recipe_of NAME: the text of the tool's own function, without comments; empty where it has none.
recipe_of() {
  ! declare -F "$1_programs" >/dev/null || declare -f "$1_programs"
}

# tool NAME: builds the tool if needed and prints the folder that holds it.
tool() {
  local dir
  dir=$(tool_dir "$1")
  [ -d "$dir" ] || build_tool "$1" "$dir"
  echo "$dir"
}

# One builder at a time for each tool: a second caller waits for the first one's result.
build_tool() {
  local name=$1 dir=$2
  need_go "$name"
  mkdir -p "$cache/bin"
  (
    flock 9
    [ ! -d "$dir" ] || exit 0
    timed "building $name ($(expected_time "$name") on 2 cores, only the first time)" compile "$name" "$dir"
  ) 9>"$cache/bin/$name.lock"
}

compile() {
  local name=$1 dir=$2 part
  part=$(mktemp -d "$cache/bin/.$name.XXXXXX")
  (cd "$(module_of "$name")" && export CGO_ENABLED=0 GOFLAGS=-mod=readonly && programs "$name" "$part") >&2 ||
    { rm -rf "$part"; fail "building $name failed; the reason is above"; }
  chmod 755 "$part"
  mv -T "$part" "$dir"
}

# programs NAME FOLDER: builds what the tool consists of, most often one program of its name.
programs() {
  if declare -F "$1_programs" >/dev/null; then
    "$1_programs" "$2"
    return
  fi
  case $1 in
  lifecycle | protocols | s3) go build -trimpath -ldflags "-s -w" -o "$2/" tool ;;
  *)
    go build -trimpath -ldflags "$(link_flags "$1")" -o "$2/$1" "$(package_of "$1")" || return
    [ "$1" != kube ] || for link in "${kube_names[@]}"; do ln -s kube "$2/$link"; done
    ;;
  esac
}

# Without what finds targets, which is most of it and checks no rule.
promtool_programs() { # FOLDER
  go build -trimpath -tags remove_all_sd -ldflags "-s -w" -o "$1/" tool
}

# BuildKit's daemon, its client, what lets it run without root, and its own script that starts all of them for one build.
buildkit_programs() { # FOLDER
  go build -trimpath -ldflags "-s -w" -o "$1/" tool &&
    install -m 755 "$(go list -m -f '{{.Dir}}' github.com/moby/buildkit)/examples/buildctl-daemonless/buildctl-daemonless.sh" "$1"
}

# The two suites as v1.test and runtime.test, the programs of their images (the
# module's tools) by name, and what the cluster must hold for them.
conformance_programs() { # FOLDER
  local suites=knative.dev/serving/test/conformance
  go build -trimpath -ldflags "-s -w" -o "$1/" tool &&
    go test -c -tags e2e -trimpath -ldflags "-s -w" -o "$1/" $suites/api/v1 $suites/runtime &&
    install -m 644 "$(go list -m -f '{{.Dir}}' knative.dev/serving)/test/config/test-resources.yaml" "$1"
}

# Flux's kustomize-controller, and the definitions of its kind and of the kinds that it reads. Those are in a module that
# nothing here is built from, beside the one with their Go types.
flux_programs() { # FOLDER
  local sources=github.com/fluxcd/source-controller version module
  go build -trimpath -ldflags "-s -w" -o "$1/" tool &&
    version=$(go list -m -f '{{.Version}}' "$sources/api") && go mod download "$sources@$version" &&
    mkdir "$1/crds" || return
  for module in github.com/fluxcd/kustomize-controller "$sources@$version"; do
    install -m 644 "$(go list -m -f '{{.Dir}}' "$module")"/config/crd/bases/*.yaml "$1/crds" || return
  done
}

# KEDA's operator and metrics server. Most of what they are compiled from is for the
# scalers, of which the tests use one; the others are left out of a copy of the source,
# but for the one that declares a constant for all.
keda_programs() { # FOLDER
  local module=github.com/kedacore/keda/v2 source=$1/source
  go mod download "$module" && cp -r "$(go list -m -f '{{.Dir}}' "$module")" "$source" && chmod -R u+w "$source" &&
    find "$source/pkg/scalers" -maxdepth 1 -name '*.go' ! -name scaler.go ! -name prometheus_scaler.go \
      ! -name azure_queue_scaler.go -delete &&
    sed -i -E '/^\tcase "/{N;/"prometheus"/!d}' "$source/pkg/scaling/scalers_builder.go" &&
    (cd "$source" && go build -trimpath -ldflags "-s -w" -o "$1/" ./cmd/operator ./cmd/adapter) &&
    rm -r "$source"
}

# kwok against the versions that the cluster's own programs are compiled from, which spares
# most of its compilation. They have lost the name of an annotation that it looks for when
# it is told to stream lists, so it is built from a copy with another.
kwok_programs() { # FOLDER
  local module=sigs.k8s.io/kwok source=$1/source
  go mod download "$module" && cp -r "$(go list -m -f '{{.Dir}}' "$module")" "$source" && chmod -R u+w "$source" &&
    sed -i 's/InitialEventsListBlueprintAnnotationKey/InitialEventsAnnotationKey/' "$source/pkg/utils/informer/informer.go" &&
    cp go.mod go.sum "$source/.." && go mod edit -replace "$module=$source" "$1/go.mod" &&
    go build -modfile "$1/go.mod" -trimpath -ldflags "-s -w" -o "$1/" tool &&
    rm -r "$source" "$1/go.mod" "$1/go.sum"
}

# Skaffold. It is built as the main module that it is: some of the modules that it needs are replaced in its own go.mod,
# which counts there alone.
skaffold_programs() { # FOLDER
  local module=github.com/GoogleContainerTools/skaffold/v2
  go mod download "$module" && cd "$(go list -m -f '{{.Dir}}' "$module")" &&
    go build -trimpath -ldflags "-s -w" -o "$1/" ./cmd/skaffold
}

package_of() {
  case $1 in
  argocd-controllers) echo ./controllers ;;
  crane) echo github.com/google/go-containerregistry/cmd/crane ;;
  coredns) echo ./coredns ;;
  helm) echo helm.sh/helm/v3/cmd/helm ;;
  kind) echo sigs.k8s.io/kind ;;
  kn) echo knative.dev/client/cmd/kn ;;
  metrics-server) echo sigs.k8s.io/metrics-server/cmd/metrics-server ;;
  tofu) echo github.com/opentofu/opentofu/cmd/tofu ;;
  *) echo . ;;
  esac
}

# Kubernetes compares its own version with that of its clients and nodes.
link_flags() {
  local version
  printf '%s' '-s -w'
  [ "$1" = kube ] || return 0
  version=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' "$here/kube/go.mod")
  printf ' -X k8s.io/component-base/version.%s' "gitVersion=$version" "gitMajor=1" \
    "gitMinor=$(cut -d. -f2 <<<"$version")" gitTreeState=clean
}

expected_time() {
  case $1 in
  kube) echo "about 10 minutes" ;;
  conformance) echo "about 8 minutes" ;;
  argocd | buildkit | kn) echo "about 3 minutes" ;;
  argocd-controllers) echo "about 8 minutes" ;;
  flux | tofu) echo "about 5 minutes" ;;
  keda | promtool | skaffold) echo "about 6 minutes" ;;
  *) echo "about 1 minute" ;;
  esac
}

need_go() {
  local wanted
  wanted=$(cat "$here"/*/go.mod | awk '$1 == "go" { print $2 }' | sort -V | tail -n 1)
  command -v go >/dev/null ||
    fail "Go $wanted or newer is missing: it builds the cluster's tools (https://go.dev/dl; Debian 12's own golang-go is too old)"
  (cd "$(module_of "$1")" && go version >/dev/null 2>&1) ||
    fail "$(go env GOVERSION 2>/dev/null || echo this Go) is too old: the cluster's tools need Go $wanted or newer (https://go.dev/dl)"
}
