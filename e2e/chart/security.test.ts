import { deepEqual, equal, ok } from 'node:assert/strict';
import { NAMESPACE, type Rendered, render } from './helm.ts';

type Labels = Record<string, string>;
type Rule = Record<'apiGroups' | 'resources' | 'verbs' | 'nonResourceURLs' | 'resourceNames', string[]>;
type Peer = { podSelector?: { matchLabels?: Labels }; namespaceSelector?: object };
type Port = { port: number | string; protocol?: string };
type Allowed = { ports: Port[]; from?: Peer[]; to?: Peer[] };
interface PolicySpec {
  podSelector: { matchLabels: Labels };
  policyTypes: string[];
  ingress?: Allowed[] | null;
  egress?: Allowed[];
}
interface PodTemplate {
  metadata: { labels: Labels };
  spec: { containers: { ports?: { name: string; containerPort: number }[] }[] };
}

/** Everything that grants something. */
const ALL = {
  api: { enabled: true, tlsSecret: 'run-tls' },
  autoscaler: { idleCpuResize: true },
  gateway: { tls: { secrets: ['web-tls'], namespace: 'certificates', issuer: { name: 'letsencrypt' } } },
  gatewayApi: { parentRefs: [{ name: 'edge', namespace: 'infra' }] },
  metadata: { linkLocal: true },
};

describe('permissions of the chart', () => {
  let rules: (Partial<Rule> & { role: string })[];
  before(function () {
    this.timeout(600_000);
    rules = render(ALL).flatMap(({ kind, metadata, rules }) =>
      /^(Cluster)?Role$/.test(kind)
        ? (rules as Partial<Rule>[]).map((rule) => ({ ...rule, role: metadata.name }))
        : [],
    );
    ok(rules.length > 30, 'there are rules');
  });

  it('name each group, resource and verb', () => {
    const isWide = ({ apiGroups = [], resources = [], verbs = [], nonResourceURLs = [] }: Partial<Rule>) =>
      nonResourceURLs.length > 0 || [...apiGroups, ...resources, ...verbs].some((name) => name.includes('*'));
    deepEqual(rules.filter(isWide), []);
  });

  /** Who may, of what takes a person or a program further than it was let. */
  const powers: Record<string, { has: (rule: Partial<Rule>) => boolean; roles: string[]; reason: string }> = {
    'act as somebody else': {
      has: ({ verbs }) => verbs?.includes('impersonate') ?? false,
      roles: ['homerun-api-cluster'],
      reason: 'the Admin API asks the API server in the name of the person, whose own rights count then',
    },
    'pass on rights that it does not have': {
      has: ({ verbs = [] }) => verbs.includes('bind') || verbs.includes('escalate'),
      roles: [],
      reason: 'the API server itself refuses to grant more than one has',
    },
    'get into a container or through a node': {
      has: ({ resources = [] }) =>
        resources.some((name) =>
          /^(pods\/(exec|attach|portforward|proxy|ephemeralcontainers)|nodes\/)/.test(name),
        ),
      roles: [],
      reason: 'no role has anything to do inside of an instance',
    },
    'get tokens of accounts': {
      has: ({ resources = [] }) => resources.includes('serviceaccounts/token'),
      roles: ['homerun-metadata'],
      reason: 'a policy lets it do so for running pods only',
    },
    'list all Secrets of a namespace': {
      has: ({ resources = [], verbs = [], resourceNames = [] }) =>
        resources.includes('secrets') && verbs.includes('list') && resourceNames.length === 0,
      roles: ['homerun-gateway-certificates'],
      reason: 'it is bound in the namespace for certificates alone',
    },
  };
  for (const [power, { has, roles, reason }] of Object.entries(powers)) {
    it(`to ${power}: ${roles.join(', ') || 'none'}`, () => {
      deepEqual([...new Set(rules.filter(has).map(({ role }) => role))], roles, reason);
    });
  }
});

interface Pod {
  namespace: string;
  labels: Labels;
  ports: Map<string, number>;
}

/** Whether the policies let a connection through (Kubernetes, Network Policies); who has no pod is outside of the cluster. */
function isLetThrough(policies: PolicySpec[], from: Pod | undefined, to: Pod, port: number): boolean {
  const has = (pod: Pod, labels: Labels = {}) =>
    Object.entries(labels).every(([name, value]) => pod.labels[name] === value);
  const isPeer = (pod: Pod | undefined, { namespaceSelector, podSelector }: Peer) =>
    pod !== undefined &&
    (namespaceSelector !== undefined || pod.namespace === NAMESPACE) &&
    has(pod, podSelector?.matchLabels);
  const lets = (rules: Allowed[] | null | undefined, other: Pod | undefined) =>
    (rules ?? []).some(
      ({ ports, from, to: peers = from }) =>
        ports.some(
          (each) => (typeof each.port === 'number' ? each.port : to.ports.get(each.port)) === port,
        ) &&
        (peers === undefined || peers.some((peer) => isPeer(other, peer))),
    );
  const selecting = (pod: Pod | undefined, type: string) =>
    policies.filter(
      ({ podSelector, policyTypes }) =>
        pod?.namespace === NAMESPACE && policyTypes.includes(type) && has(pod, podSelector.matchLabels),
    );
  const into = selecting(to, 'Ingress');
  const outOf = selecting(from, 'Egress');
  return (
    (into.length === 0 || into.some(({ ingress }) => lets(ingress, from))) &&
    (outOf.length === 0 || outOf.some(({ egress }) => lets(egress, to)))
  );
}

describe('network policies of the chart', () => {
  const MONITORING = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } };
  const pods = new Map<string, Pod>();
  const policiesOf = (objects: Rendered[]) =>
    objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as PolicySpec);
  let policies: PolicySpec[];

  before(function () {
    this.timeout(600_000);
    const objects = render({ ...ALL, networkPolicy: { enabled: true } });
    policies = policiesOf(objects);
    for (const { kind, metadata, spec } of objects) {
      if (kind !== 'Deployment' && kind !== 'DaemonSet') continue;
      const { template } = spec as { template: PodTemplate };
      const ports = (template.spec.containers[0]?.ports ?? []).map(
        ({ name, containerPort }) => [name, containerPort] as const,
      );
      const pod = { namespace: NAMESPACE, labels: template.metadata.labels, ports: new Map(ports) };
      pods.set(metadata.name.replace('homerun-', ''), pod);
    }
    pods.set('instance', { namespace: 'demo', labels: { app: 'hello' }, ports: new Map([['http', 8080]]) });
    pods.set('neighbour', { namespace: NAMESPACE, labels: { app: 'x' }, ports: new Map() });
  });

  const PORTS = [8080, 8081, 8082, 8443, 9090];
  /** By who is asked, and who asks, the ports that are open. */
  const flows: Record<string, Record<string, { open: number[]; reason: string }>> = {
    gateway: {
      outside: { open: [8080, 8443], reason: 'clients reach the external ports alone' },
      instance: { open: [8080, 8081, 8443], reason: 'what comes from inside may call internal services' },
      gateway: { open: PORTS, reason: 'gateways forward requests and tell each other what they use' },
      controller: { open: [8080, 8081, 8443, 9090], reason: 'the autoscaler reads the counts of requests' },
      node: { open: [9090], reason: 'nodes tell the addresses of new pods, and ask for nothing else' },
      neighbour: { open: [8080, 8081, 8443], reason: 'the namespace alone is no right' },
    },
    controller: {
      outside: { open: [], reason: 'it answers no one' },
      instance: { open: [], reason: 'it answers no one' },
      gateway: { open: [], reason: 'it asks the gateways, not they it' },
      node: { open: [], reason: 'it answers no one' },
    },
    webhook: {
      outside: { open: [8443], reason: 'the addresses of API servers are unknown' },
      instance: { open: [8443], reason: 'the addresses of API servers are unknown' },
    },
    metadata: {
      instance: { open: [8080], reason: 'instances of all namespaces ask' },
      node: { open: [], reason: 'a node role has no identity to ask for' },
    },
    api: {
      outside: { open: [8443], reason: 'it asks everyone for a token' },
      node: { open: [], reason: 'nodes ask gateways alone' },
    },
    node: {
      outside: { open: [], reason: 'it answers no one' },
      gateway: { open: [], reason: 'it answers no one' },
    },
    instance: {
      node: { open: [], reason: 'it runs as root and so must reach nothing but gateways and DNS' },
      gateway: { open: PORTS, reason: 'policies for instances are those of their own namespace' },
    },
  };
  for (const [to, callers] of Object.entries(flows))
    for (const [from, { open, reason }] of Object.entries(callers))
      it(`open to ${from} these ports of ${to}: ${open.join(', ') || 'none'}`, () => {
        const target = pods.get(to);
        ok(target && (from === 'outside' || pods.has(from)), 'both are rendered');
        const found = PORTS.filter((port) => isLetThrough(policies, pods.get(from), target, port));
        deepEqual(found, open, reason);
      });

  it('open the metrics of every role to whom the values name', () => {
    const metricsFrom = [MONITORING];
    const named = policiesOf(render({ networkPolicy: { enabled: true, metricsFrom } }));
    equal(named.length, 5);
    for (const { ingress } of named) {
      const rule = ingress?.find(({ ports }) => ports.some(({ port }) => port === 'admin'));
      ok(rule?.from?.some((peer) => JSON.stringify(peer) === JSON.stringify(MONITORING)));
    }
  });

  it('are there where the values ask for them', () => {
    deepEqual(policiesOf(render()), []);
  });
});
