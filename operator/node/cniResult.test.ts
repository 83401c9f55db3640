import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isPodAddress, isPodUid } from '../gateway/shared/addressProtocol.ts';
import { addressOfFamily, parseCniResult } from './cniResult.ts';

const UID = 'f0bfbd5b-096d-48ef-998c-da26743dd0cb';

/** An entry as libcni writes it for a pod, with a plugin's result and other changes. */
function entry(result: unknown, changes: object = {}): string {
  return JSON.stringify({
    kind: 'cniCacheV1',
    containerId: '3f69',
    config: 'eyJuYW1lIjoiY2JyMCJ9',
    ifName: 'eth0',
    networkName: 'cbr0',
    netns: '/var/run/netns/cni-1',
    cniArgs: [
      ['IgnoreUnknown', '1'],
      ['K8S_POD_NAMESPACE', 'ns'],
      ['K8S_POD_NAME', 'hello-00001-deployment-5d-x'],
      ['K8S_POD_INFRA_CONTAINER_ID', '3f69'],
      ['K8S_POD_UID', UID],
    ],
    result,
    ...changes,
  });
}

const bridged = {
  cniVersion: '1.0.0',
  interfaces: [
    { name: 'cni0', mac: '1' },
    { name: 'veth1' },
    { name: 'eth0', sandbox: '/var/run/netns/cni-1' },
  ],
  ips: [{ address: '10.244.0.5/24', gateway: '10.244.0.1', interface: 2 }],
  routes: [{ dst: '0.0.0.0/0' }],
  dns: {},
};

const CASES: Record<string, { text: string; ips: string[] | undefined; reason: string }> = {
  bridge: {
    text: entry(bridged),
    ips: ['10.244.0.5'],
    reason: 'the address is of the third interface, eth0',
  },
  flannel: {
    text: entry({ ...bridged, cniVersion: '0.3.1', ips: [{ version: '4', ...bridged.ips[0] }] }),
    ips: ['10.244.0.5'],
    reason: 'versions before 1.0 name the family too',
  },
  calico: {
    text: entry({
      cniVersion: '0.3.1',
      interfaces: [{ name: 'cali12' }],
      ips: [{ version: '4', address: '192.168.1.2/32' }],
    }),
    ips: ['192.168.1.2'],
    reason: 'it names no interface, so the address is the pod’s',
  },
  cilium: {
    text: entry({
      cniVersion: '1.0.0',
      interfaces: [{ name: 'eth0', sandbox: '/n' }, { name: 'lxc1' }],
      ips: [{ address: '10.0.1.7/32', gateway: '10.0.1.3', interface: 0 }],
    }),
    ips: ['10.0.1.7'],
    reason: 'the pod’s interface comes first',
  },
  'dual stack': {
    text: entry({ cniVersion: '1.0.0', ips: [{ address: '10.244.0.5/24' }, { address: 'fd00:1::5/64' }] }),
    ips: ['10.244.0.5', 'fd00:1::5'],
    reason: 'both families in the plugin’s order',
  },
  'version 0.2': {
    text: entry({ cniVersion: '0.2.0', ip4: { ip: '10.1.0.9/16' }, ip6: { ip: 'fd00::9/64' } }),
    ips: ['10.1.0.9', 'fd00::9'],
    reason: 'results had one address of each family',
  },
  multus: {
    text: entry(bridged, {
      cniArgs: [
        ['K8S_POD_NAMESPACE', 'ns'],
        ['K8S_POD_UID', 'old'],
        ['K8S_POD_UID', UID],
      ],
    }),
    ips: ['10.244.0.5'],
    reason: 'a delegating plugin repeats the arguments',
  },
  'an interface of the node': {
    text: entry({ ...bridged, ips: [{ address: '10.244.0.1/24', interface: 0 }] }),
    ips: undefined,
    reason: 'the kubelet does not take it for the pod’s address either',
  },
  'an interface that is not listed': {
    text: entry({ ...bridged, ips: [{ address: '10.244.0.1/24', interface: 9 }] }),
    ips: undefined,
    reason: 'its pod is unknown',
  },
  loopback: {
    text: entry({ ...bridged, ips: [{ address: '127.0.0.1/8' }] }, { ifName: 'lo' }),
    ips: undefined,
    reason: 'every pod has one',
  },
  'a second network': {
    text: entry(bridged, { ifName: 'net1' }),
    ips: undefined,
    reason: 'the API does not show it',
  },
  'no pod': {
    text: entry(bridged, { cniArgs: [['K8S_POD_NAME', 'x']] }),
    ips: undefined,
    reason: 'it has no UID',
  },
  'a hostile UID': {
    text: entry(bridged, { cniArgs: [['K8S_POD_UID', '../x']] }),
    ips: undefined,
    reason: 'a gateway would reject the whole message',
  },
  'no address': {
    text: entry({ cniVersion: '1.0.0', ips: [] }),
    ips: undefined,
    reason: 'a chain may assign none',
  },
  'an address that is none': {
    text: entry({ ips: [{ address: '10.244.0.5:80' }, { address: 7 }, null, { address: '169.254.1.1/32' }] }),
    ips: undefined,
    reason: 'only what a pod can have is dialled',
  },
  'no result': {
    text: entry(undefined),
    ips: undefined,
    reason: 'older runtimes keep the result alone, without the pod',
  },
  'a result of an older runtime': {
    text: JSON.stringify(bridged),
    ips: undefined,
    reason: 'it does not name the pod',
  },
  'a file that is being written': {
    text: entry(bridged).slice(0, 200),
    ips: undefined,
    reason: 'the next event follows',
  },
  'an empty file': { text: '', ips: undefined, reason: 'it was created a moment ago' },
  'other JSON': { text: '[null]', ips: undefined, reason: 'anybody may put files there' },
};

describe('parseCniResult', () => {
  for (const [name, { text, ips, reason }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      assert.deepEqual(parseCniResult(text), ips && { uid: UID, namespace: 'ns', ips });
    });
  }

  it('gives nothing but valid addresses and UIDs, whatever the file holds', () => {
    const json = fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text));
    const ip = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), json);
    const address = fc.oneof(
      ip.map((each) => `${each}/24`),
      json,
    );
    const ips = fc.oneof(
      json,
      fc.array(fc.oneof(json, fc.record({ address, interface: fc.oneof(fc.integer(), json) }))),
    );
    const uid = fc.oneof(fc.uuid(), fc.string(), json);
    const changes = fc.oneof(
      fc.constant({}),
      fc.record({ cniArgs: fc.array(fc.tuple(fc.constant('K8S_POD_UID'), uid)) }),
    );
    const text = fc
      .tuple(fc.record({ ips, interfaces: json }), changes, fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([result, change, part]) => {
        const whole = entry(result, change);
        return part < 0.8 ? whole : whole.slice(0, Math.floor(part * whole.length));
      });
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (each) => {
        const result = parseCniResult(each);
        if (!result) return;
        assert.ok(isPodUid(result.uid));
        assert.ok(result.ips.length > 0 && result.ips.every(isPodAddress));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('addressOfFamily', () => {
  it('gives the first address of the family that the node prefers', () => {
    const result = { uid: UID, namespace: 'ns', ips: ['fd00::1', '10.0.0.1', '10.0.0.2'] };
    assert.equal(addressOfFamily(result, 4), '10.0.0.1');
    assert.equal(addressOfFamily(result, 6), 'fd00::1');
    assert.equal(addressOfFamily({ ...result, ips: ['fd00::1'] }, 4), undefined);
  });
});
