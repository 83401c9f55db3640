import { CONFIG_MAPS, CORE_SERVICES, DEPLOYMENTS, EVENTS, LEASES, PODS, type Pod } from '../../kube/core.ts';
import { resizePod } from '../../kube/resize.ts';
import {
  type Case,
  configMap,
  deployment,
  failure,
  isNewer,
  meta,
  OTHER_UID,
  WIDGETS,
  type Widget,
  widget,
} from './objects.ts';

/** Creating, updating, patching and deleting. */
export const writes: Record<string, Case> = {
  'create gives uid, version, time, and generation where there is a spec': async (client, ns) => {
    const made = await client.create(CONFIG_MAPS, configMap(ns, 'a', { a: '1' }));
    const owned = await client.create(
      WIDGETS,
      widget(ns, 'a', { spec: { size: 1 }, status: { ready: true } }),
    );
    const { uid, resourceVersion, creationTimestamp, ...rest } = made.metadata;
    const times = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(creationTimestamp ?? '');
    return [
      { ...made, metadata: rest },
      Boolean(uid),
      Boolean(resourceVersion),
      times,
      owned.metadata.generation,
      owned.status,
    ];
  },
  'create rejects a name that is taken, none, or no name': async (client, ns) => [
    await client.create(CONFIG_MAPS, configMap(ns, 'a', {})).then(() => 'made'),
    await failure(client.create(CONFIG_MAPS, configMap(ns, 'a', {}))),
    await failure(client.create(CONFIG_MAPS, configMap(ns, '', {}))),
    await failure(client.create(CONFIG_MAPS, configMap(ns, 'A_b', {}))),
    await failure(client.request('POST', `/api/v1/namespaces/${ns}/configmaps`, { body: deployment(ns) })),
    await failure(client.request('GET', `/api/v1/namespaces/${ns}/nonsense`)),
  ],
  'generateName makes a name': async (client, ns) => {
    const object = { ...configMap(ns, '', {}), metadata: { namespace: ns, name: '', generateName: 'made-' } };
    const { name } = (await client.create(CONFIG_MAPS, object)).metadata;
    return /^made-[a-z0-9]{5}$/.test(name);
  },
  'get, update and delete of a missing object': async (client, ns) => [
    await client.get(CONFIG_MAPS, meta(ns, 'none')),
    await failure(
      client.replace(CONFIG_MAPS, {
        ...configMap(ns, 'none', {}),
        metadata: meta(ns, 'none', { resourceVersion: '1' }),
      }),
    ),
    await client.delete(CONFIG_MAPS, meta(ns, 'none')),
    await failure(client.mergePatch(CONFIG_MAPS, meta(ns, 'none'), {})),
  ],
  'update needs the present version': async (client, ns) => {
    const first = await client.create(CONFIG_MAPS, configMap(ns, 'a', { a: '1' }));
    const second = await client.replace(CONFIG_MAPS, { ...first, data: { a: '2' } });
    return [
      second.data,
      isNewer(first, second),
      await failure(client.replace(CONFIG_MAPS, { ...first, data: {} })),
    ];
  },
  'a write that changes nothing makes no new version': async (client, ns) => {
    const first = await client.create(WIDGETS, widget(ns, 'a', { spec: { size: 1 } }));
    const patched = await client.mergePatch(WIDGETS, meta(ns, 'a'), { spec: { size: 1 } });
    const replaced = await client.replace(WIDGETS, { ...first });
    const applied = await client.apply<Widget>(WIDGETS, widget(ns, 'b', { spec: { size: 1 } }), {
      fieldManager: 'm',
    });
    const again = await client.apply<Widget>(WIDGETS, widget(ns, 'b', { spec: { size: 1 } }), {
      fieldManager: 'm',
    });
    return [isNewer(first, patched), isNewer(first, replaced), isNewer(applied, again)];
  },
  'generation counts changes of the spec only': async (client, ns) => {
    await client.create(WIDGETS, widget(ns, 'a', { spec: { size: 1 } }));
    const label = await client.mergePatch<Widget>(WIDGETS, meta(ns, 'a'), {
      metadata: { labels: { a: 'b' } },
    });
    const spec = await client.mergePatch<Widget>(WIDGETS, meta(ns, 'a'), { spec: { size: 2 } });
    const status = { status: { ready: true } };
    const updated = await client.mergePatch<Widget>(WIDGETS, meta(ns, 'a'), status, {
      subresource: 'status',
    });
    return [label, spec, updated].map(({ metadata }) => metadata.generation);
  },
  'the status subresource writes the status and nothing else': async (client, ns) => {
    await client.create(WIDGETS, widget(ns, 'a', { spec: { size: 1 } }));
    const main = await client.mergePatch<Widget>(WIDGETS, meta(ns, 'a'), {
      spec: { size: 2 },
      status: { ready: true },
    });
    const body = widget(ns, 'a', { spec: { size: 3 }, status: { ready: true } });
    const status = await client.apply<Widget>(WIDGETS, body, { fieldManager: 'm', subresource: 'status' });
    const later = await client.mergePatch<Widget>(WIDGETS, meta(ns, 'a'), { spec: { size: 4 } });
    return [main, status, later].map(({ spec, status }) => ({ spec, status }));
  },
  'merge patch removes with null and replaces lists': async (client, ns) => {
    await client.create(
      WIDGETS,
      widget(ns, 'a', { spec: { size: 1, list: [{ name: 'a' }], map: { a: '1', b: '1' } } }),
    );
    const patch = { spec: { size: null, list: [{ name: 'b' }], map: { a: null, c: '1' } } };
    return (await client.mergePatch<Widget>(WIDGETS, meta(ns, 'a'), patch)).spec;
  },
  'scale reads and writes replicas': async (client, ns) => {
    await client.create(DEPLOYMENTS, deployment(ns));
    const path = `/apis/apps/v1/namespaces/${ns}/deployments/app/scale`;
    type Scale = { kind: string; spec: { replicas?: number }; metadata: { name: string } };
    const before = await client.request<Scale>('GET', path);
    const body = { spec: { replicas: 3 } };
    const after = await client.request<Scale>('PATCH', path, {
      body,
      contentType: 'application/merge-patch+json',
    });
    const live = await client.get(DEPLOYMENTS, meta(ns, 'app'));
    return [
      before.kind,
      before.metadata.name,
      before.spec,
      after.spec,
      live?.spec?.replicas,
      live?.metadata.generation,
    ];
  },
  'scale is rejected for another version of the object': async (client, ns) => {
    await client.create(DEPLOYMENTS, deployment(ns));
    const path = `/apis/apps/v1/namespaces/${ns}/deployments/app/scale`;
    type Scale = { spec: { replicas?: number }; metadata: { resourceVersion: string } };
    const scale = (replicas: number, resourceVersion?: string) =>
      client.request<Scale>('PATCH', path, {
        body: { metadata: { resourceVersion }, spec: { replicas } },
        contentType: 'application/merge-patch+json',
      });
    const { metadata } = await client.request<Scale>('GET', path);
    const seen = await scale(3, metadata.resourceVersion);
    return [seen.spec, await failure(scale(0, metadata.resourceVersion)), (await scale(1)).spec];
  },
  'resize changes the resources of the containers that it names': async (client, ns) => {
    const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1', memory: '128Mi' } };
    const containers = ['app', 'side'].map((name) => ({ name, image: 'app:1', resources }));
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: meta(ns, 'app'), spec: { containers } };
    await client.create(PODS, pod as unknown as Pod);
    const body = { spec: { containers: [{ name: 'side', resources: { requests: { cpu: '1m' } } }] } };
    await resizePod(client, { metadata: meta(ns, 'app') }, body);
    const live = await client.get(PODS, meta(ns, 'app'));
    return [
      live?.spec?.containers.map(({ name, resources }) => [name, resources]),
      await failure(resizePod(client, { metadata: meta(ns, 'none') }, body)),
    ];
  },
  'delete keeps to the uid it was given': async (client, ns) => {
    const { metadata } = await client.create(CONFIG_MAPS, configMap(ns, 'a', {}));
    const rejected = await failure(client.delete(CONFIG_MAPS, meta(ns, 'a'), { uid: OTHER_UID }));
    return [
      rejected,
      await client.delete(CONFIG_MAPS, meta(ns, 'a'), { uid: metadata.uid }),
      await client.get(CONFIG_MAPS, metadata),
    ];
  },
  'a finalizer keeps a deleted object until it is removed': async (client, ns) => {
    const metadata = meta(ns, 'a', { finalizers: ['example.com/hold'] });
    await client.create(WIDGETS, { ...widget(ns, 'a', { spec: { size: 1 } }), metadata });
    const deleted = await client.delete(WIDGETS, meta(ns, 'a'));
    const held = await client.get(WIDGETS, meta(ns, 'a'));
    await client.mergePatch(WIDGETS, meta(ns, 'a'), { metadata: { finalizers: null } });
    return [deleted, Boolean(held?.metadata.deletionTimestamp), await client.get(WIDGETS, meta(ns, 'a'))];
  },
  'kinds without a status or a generation': async (client, ns) => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta(ns, 'a'),
      spec: { ports: [{ port: 80 }] },
    };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: meta(ns, 'a'),
      spec: { containers: [{ name: 'a', image: 'a' }] },
    };
    const lease = {
      apiVersion: LEASES.apiVersion,
      kind: 'Lease',
      metadata: meta(ns, 'a'),
      spec: { holderIdentity: 'x' },
    };
    const involvedObject = { kind: 'Pod', name: 'a', namespace: ns };
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: meta(ns, 'a.1'),
      involvedObject,
      reason: 'R',
      message: 'm',
    };
    return [
      (await client.create(CORE_SERVICES, service)).metadata.generation,
      (await client.create(LEASES, lease)).metadata.generation,
      (await client.create(EVENTS, event)).metadata.generation,
      (await client.create(PODS, pod)).metadata.generation,
    ];
  },
};
