# The components of the node and their configuration. $kube is the folder with
# the Kubernetes binaries, $state the node's files, $pki its certificates.

configure_components() {
  local name
  mkdir -p "$state"/{etcd,containerd,configuration,cni} /run/containerd /run/registries
  for name in admin kubelet controller-manager scheduler proxy; do
    kubeconfig "$name" >"$state/configuration/$name.kubeconfig"
  done
  cni_configuration >"$state/cni/10-homerun.conflist"
  containerd_configuration >"$state/configuration/containerd.toml"
  kubelet_configuration >"$state/configuration/kubelet.yaml"
}

# Low ports are open to every user in a pod, as with Docker and containerd 2.
# restrict_oom_score_adj: without CAP_SYS_RESOURCE runc may not lower a score.
containerd_configuration() {
  cat <<END
version = 2
root = "$state/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$registry/pause:1"
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$(cni_folder)"
    conf_dir = "$state/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$(snapshotter)"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/run/registries"
END
}

# An overlay cannot lie on another overlay, which is what a container's own disk is.
snapshotter() {
  if [ "$(stat -f -c %T "$state")" = overlayfs ]; then echo native; else echo overlayfs; fi
}

kubelet_configuration() {
  cat <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
clusterDNS: [$dns_address]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
resolvConf: ""
tlsCertFile: $pki/kubelet.crt
tlsPrivateKeyFile: $pki/kubelet.key
volumePluginDir: /var/lib/kubelet/plugins-exec
maxPods: 250
serializeImagePulls: false
registryPullQPS: 0
imageGCHighThresholdPercent: 100
evictionHard: {"memory.available": "100Mi"}
END
}

start_etcd() {
  keep_running etcd "$kube/etcd" --data-dir "$state/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
}

start_containerd() {
  keep_running containerd containerd -c "$state/configuration/containerd.toml"
}

start_apiserver() {
  keep_running apiserver "$kube/kube-apiserver" \
    --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --advertise-address="$node_address" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$pki/service-account.pub" --service-account-signing-key-file="$pki/service-account.key" \
    --service-cluster-ip-range="$service_range" --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --allow-privileged=true \
    --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" --kubelet-preferred-address-types=InternalIP \
    --enable-aggregator-routing=true --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy \
    --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key" \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra-
}

apiserver_is_ready() {
  [ "$(curl -s --max-time 2 --cacert "$pki/ca.crt" https://127.0.0.1:6443/readyz)" = ok ]
}

start_controllers() {
  keep_running controller-manager "$kube/kube-controller-manager" \
    --kubeconfig="$state/configuration/controller-manager.kubeconfig" --leader-elect=false --bind-address=127.0.0.1 \
    --use-service-account-credentials=true --service-account-private-key-file="$pki/service-account.key" --root-ca-file="$pki/ca.crt" \
    --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" --service-cluster-ip-range="$service_range"
  keep_running scheduler "$kube/kube-scheduler" \
    --kubeconfig="$state/configuration/scheduler.kubeconfig" --leader-elect=false --bind-address=127.0.0.1
}

# Zero leaves connection tracking as it is: its size is the host's, and the rest
# cannot be set before the first rule has made the kernel load it.
start_node() {
  keep_running kubelet "$kube/kubelet" --config="$state/configuration/kubelet.yaml" \
    --kubeconfig="$state/configuration/kubelet.kubeconfig" --root-dir=/var/lib/kubelet --cert-dir="$pki" \
    --hostname-override="$node_name" --node-ip="$node_address"
  keep_running proxy "$kube/kube-proxy" --kubeconfig="$state/configuration/proxy.kubeconfig" \
    --hostname-override="$node_name" --proxy-mode=iptables --cluster-cidr="$pod_range" \
    --iptables-min-sync-period=10ms --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
}

# keep_running NAME COMMAND...: starts it in the background, and again when it ends, also where the disk is full and nothing
# can be logged.
keep_running() {
  local name=$1
  shift
  while :; do
    "$@" >>"$state/log/$name.log" 2>&1 || true
    echo "$name ended and is started again" >>"$state/log/$name.log" || true
    sleep 1
  done &
}
