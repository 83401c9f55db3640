import { deepEqual } from 'node:assert/strict';
import { PODS, type Pod } from '../../operator/kube/core.ts';
import type { KubeObject, ResourceType } from '../../operator/kube/types.ts';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { until } from '../../operator/testing/until.ts';
import { NAMESPACE } from './helm.ts';
import { installation } from './installation.ts';

interface Slice extends KubeObject {
  endpoints?: { targetRef?: { name?: string } }[] | null;
  ports?: { port?: number }[] | null;
}

const SLICES: ResourceType<Slice> = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};

const NODE = 'node';

/** In the middle of an upgrade from a version whose controllers answered admission reviews. */
describe('while both versions run', () => {
  let server: ApiServer;

  before(async function () {
    this.timeout(900_000);
    server = await installation();
    server.startControllers('endpointslice-controller');
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };
    await server.client.request('POST', '/api/v1/nodes', { body: node });
    await pod('old-controller', 'controller', [{ name: 'webhook', containerPort: 8443 }]);
    await pod('controller', 'controller', [{ name: 'admin', containerPort: 9090 }]);
    await pod('gateway', 'gateway', [{ name: 'http', containerPort: 8081 }]);
    await pod('webhook', 'webhook', [{ name: 'webhook', containerPort: 8443 }]);
  });

  let last = 1;
  /** A pod of a role that is ready, as the kubelet would say. */
  async function pod(name: string, role: string, ports: object[]): Promise<void> {
    const labels = {
      'app.kubernetes.io/name': 'homerun',
      'app.kubernetes.io/instance': 'homerun',
      'app.kubernetes.io/component': role,
    };
    const metadata = { name, namespace: NAMESPACE, labels };
    const spec = { nodeName: NODE, containers: [{ name: role, image: 'homerun', ports }] };
    await server.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec } as Pod);
    const ip = `10.1.2.${last++}`;
    const conditions = [{ type: 'Ready', status: 'True' }];
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions };
    await server.client.mergePatch(PODS, metadata, { status }, { subresource: 'status' });
  }

  it('API servers reach the old controllers and the webhooks, and nothing else does', async () => {
    const reached = async () => {
      const labelSelector = 'kubernetes.io/service-name=homerun-webhook';
      const { items } = await server.client.list(SLICES, { namespace: NAMESPACE, labelSelector });
      return items.flatMap(({ ports, endpoints }) =>
        (ports ?? []).flatMap(({ port }) =>
          (endpoints ?? []).map(({ targetRef }) => [targetRef?.name, port]),
        ),
      );
    };
    const found = await until('both of them', async () => {
      const all = await reached();
      return all.length >= 2 && all;
    });
    deepEqual(found.sort(), [
      ['old-controller', 8443],
      ['webhook', 8443],
    ]);
  });
});
