# The node's certificates: one authority, made anew for each cluster.

# make_certificates FOLDER ADDRESS NAME: NAME is the node's name, ADDRESS its IP.
make_certificates() {
  local pki=$1 address=$2 node=$3
  mkdir -p "$pki"
  key ca
  openssl req -x509 -new -key "$pki/ca.key" -subj /CN=homerun-test-cluster -days 3650 -out "$pki/ca.crt"
  certificate apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:10.96.0.1,IP:$address,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  certificate kubelet "/O=system:nodes/CN=system:node:$node" "DNS:$node,IP:$address"
  certificate admin /O=system:masters/CN=admin DNS:admin
  certificate controller-manager /CN=system:kube-controller-manager DNS:controller-manager
  certificate scheduler /CN=system:kube-scheduler DNS:scheduler
  certificate proxy /CN=system:kube-proxy DNS:proxy
  certificate front-proxy /CN=front-proxy DNS:front-proxy
  key service-account
  openssl pkey -in "$pki/service-account.key" -pubout -out "$pki/service-account.pub"
}

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$pki/$1.key" 2>/dev/null; }

certificate() { # NAME SUBJECT ALTERNATIVE-NAMES
  key "$1"
  openssl req -new -key "$pki/$1.key" -subj "$2" |
    openssl x509 -req -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -set_serial "0x$(openssl rand -hex 8)" -days 3650 -out "$pki/$1.crt" \
      -extfile <(printf 'subjectAltName=%s\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n' "$3") 2>/dev/null
}

# kubeconfig NAME: a client configuration that holds its certificates itself.
kubeconfig() {
  cat <<END
apiVersion: v1
kind: Config
clusters: [{name: homerun, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$pki/$1.crt"), client-key-data: $(base64 -w0 "$pki/$1.key")}}]
contexts: [{name: homerun, context: {cluster: homerun, user: $1}}]
current-context: homerun
END
}
