# The node's network, inside its own namespace: no way out to the host or the
# Internet, and no default route, so that a packet for outside fails at once.

node_address=10.87.0.2
pod_range=10.88.0.0/16
node_name=homerun-node
service_range=10.96.0.0/16
dns_address=10.96.0.10

make_network() {
  ip link set lo up
  ip link add eth0 type veth peer name eth0-peer
  ip address add $node_address/24 dev eth0
  ip link set eth0-peer up
  ip link set eth0 up
  # A service's address is rewritten on its way out, so it needs some way out.
  ip route add $service_range dev eth0 src $node_address
  echo 1 >/proc/sys/net/ipv4/ip_forward
}

# Each pod has a link of its own to the node (as kind's do): no bridge, so
# traffic between pods always passes kube-proxy's rules, and an address that
# no pod has is refused at once instead of being asked for on a wire.
cni_configuration() {
  cat <<END
{
  "cniVersion": "0.4.0",
  "name": "homerun",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "mtu": 1500,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni-ipam",
        "routes": [{ "dst": "0.0.0.0/0" }],
        "ranges": [[{ "subnet": "$pod_range" }]]
      }
    },
    { "type": "portmap", "capabilities": { "portMappings": true } }
  ]
}
END
}
