import type { KubeClient } from '../kube/client.ts';
import {
  CONFIG_MAPS,
  CORE_SERVICES,
  type ConfigMap,
  DEPLOYMENTS,
  type Deployment,
  EVENTS,
  LEASES,
  PODS,
} from '../kube/core.ts';
import { isKubeError } from '../kube/errors.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';

// What the fake API server claims to do as the real one does: each case runs on both and must give the same.

/** A kind of one's own, with a status; installed by the test on the real server. */
export interface Widget extends KubeObject {
  spec?: { size?: number; list?: { name: string; value?: string }[]; map?: Record<string, string> };
  status?: { ready?: boolean; items?: { type: string; status: string }[] };
}
export const WIDGETS: ResourceType<Widget> = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

type Case = (client: KubeClient, namespace: string) => Promise<unknown>;

const OTHER_UID = 'e5c8fb4c-0000-0000-0000-000000000000';

const meta = (namespace: string, name: string, extra: object = {}) => ({ namespace, name, ...extra });

function configMap(namespace: string, name: string, data: Record<string, string>): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(namespace, name), data };
}

function widget(namespace: string, name: string, part: Partial<Widget> = {}): Widget {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: meta(namespace, name), ...part };
}

function deployment(namespace: string, container: object = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: meta(namespace, 'app'),
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'a' } },
      template: {
        metadata: { labels: { app: 'a' } },
        spec: { containers: [{ name: 'app', image: 'app:1', ...container }] },
      },
    },
  };
}

/** How a call fails: the error's code and the Status' reason. */
async function failure(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'no failure';
  } catch (error) {
    return isKubeError(error) ? `${error.code} ${error.status} ${error.reason}` : String(error);
  }
}

const containersOf = ({ spec }: Deployment) => spec?.template.spec?.containers ?? [];
const isNewer = (a: KubeObject, b: KubeObject) => a.metadata.resourceVersion !== b.metadata.resourceVersion;

export const contract: Record<string, Case> = {
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
  'create refuses a name that is taken, none, or no name': async (client, ns) => [
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
  'get, update and delete of what is not there': async (client, ns) => [
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
    const told = await client.mergePatch<Widget>(WIDGETS, meta(ns, 'a'), status, { subresource: 'status' });
    return [label, spec, told].map(({ metadata }) => metadata.generation);
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
  'applying a status removes what is no longer in it, and replaces lists as one': async (client, ns) => {
    await client.create(WIDGETS, widget(ns, 'a', { spec: { size: 1 } }));
    const apply = async (status: Widget['status']) => {
      const options = { fieldManager: 'm', subresource: 'status' as const };
      return (await client.apply<Widget>(WIDGETS, widget(ns, 'a', { status }), options)).status;
    };
    const item = (type: string) => ({ type, status: 'True' });
    return [
      await apply({ ready: true, items: [item('A'), item('B')] }),
      await apply({ items: [item('B')] }),
      await apply({ items: [] }),
    ];
  },
  'a status for another uid, an older version, or for nothing': async (client, ns) => {
    const old = await client.create(WIDGETS, widget(ns, 'a', { spec: { size: 1 } }));
    await client.mergePatch(WIDGETS, meta(ns, 'a'), { spec: { size: 2 } });
    const apply = (name: string, metadata: object) => {
      const object = { ...widget(ns, name, { status: { ready: true } }), metadata: meta(ns, name, metadata) };
      return failure(client.apply(WIDGETS, object, { fieldManager: 'm', subresource: 'status' }));
    };
    const { resourceVersion } = old.metadata;
    return [
      await apply('a', { uid: OTHER_UID }),
      await apply('a', { resourceVersion }),
      await apply('none', {}),
    ];
  },
  'an object applied for another uid or an older version': async (client, ns) => {
    const old = await client.create(WIDGETS, widget(ns, 'a', { spec: { size: 1 } }));
    await client.mergePatch(WIDGETS, meta(ns, 'a'), { spec: { size: 2 } });
    const apply = (name: string, metadata: object) => {
      const object = { ...widget(ns, name, { spec: { size: 3 } }), metadata: meta(ns, name, metadata) };
      return failure(client.apply(WIDGETS, object, { fieldManager: 'm' }));
    };
    const { uid, resourceVersion } = old.metadata;
    return [
      await apply('a', { uid: OTHER_UID }),
      await apply('a', { resourceVersion }),
      await apply('a', { uid }),
      await apply('none', { uid }),
    ];
  },
  'apply merges maps and keeps what others set': async (client, ns) => {
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { ours: '1', both: '1' }), { fieldManager: 'm' });
    await client.mergePatch(CONFIG_MAPS, meta(ns, 'a'), { data: { theirs: '1' } });
    const again = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', { ours: '2' }), {
      fieldManager: 'm',
    });
    return again.data;
  },
  'apply removes a field only when nobody else applies it': async (client, ns) => {
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { shared: '1', ours: '1' }), { fieldManager: 'm' });
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { shared: '1' }), { fieldManager: 'n' });
    const less = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', {}), { fieldManager: 'm' });
    const none = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', {}), { fieldManager: 'n' });
    return [less.data, none.data ?? {}];
  },
  'apply is refused what another manager set, unless forced': async (client, ns) => {
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { a: '1' }), { fieldManager: 'm' });
    const other = configMap(ns, 'a', { a: '2' });
    const refused = await failure(client.apply(CONFIG_MAPS, other, { fieldManager: 'n', force: false }));
    const forced = await client.apply<ConfigMap>(CONFIG_MAPS, other, { fieldManager: 'n' });
    // It is n's now, so m takes nothing away by leaving it out.
    const left = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', {}), { fieldManager: 'm' });
    return [refused, forced.data, left.data];
  },
  'a field changed by an update is the updater\u2019s': async (client, ns) => {
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { a: '1' }), { fieldManager: 'm' });
    await client.mergePatch(CONFIG_MAPS, meta(ns, 'a'), { data: { a: '2' } });
    const refused = await failure(
      client.apply(CONFIG_MAPS, configMap(ns, 'a', { a: '1' }), { fieldManager: 'm', force: false }),
    );
    const left = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', {}), { fieldManager: 'm' });
    return [refused, left.data];
  },
  'apply merges containers and variables by name, and removes those that are gone': async (client, ns) => {
    const env = (...names: string[]) => names.map((name) => ({ name, value: name }));
    const options = { fieldManager: 'm' };
    const apply = async (container: object) =>
      containersOf(await client.apply<Deployment>(DEPLOYMENTS, deployment(ns, container), options)).map(
        ({ name, image, env, workingDir, args }) => ({ name, image, env, workingDir, args }),
      );
    const first = await apply({ env: env('A', 'B'), workingDir: '/x', args: ['1', '2'] });
    const theirs = { name: 'theirs', image: 'sidecar:1' };
    const other = deployment(ns);
    if (other.spec?.template.spec) other.spec.template.spec.containers = [theirs];
    await client.apply(DEPLOYMENTS, other, { fieldManager: 'n' });
    const second = await apply({ env: env('B', 'C'), args: ['2'] });
    if (other.spec?.template.spec) other.spec.template.spec.containers = [];
    return [first, second];
  },
  'apply removes a whole container with its defaults': async (client, ns) => {
    const two = deployment(ns);
    two.spec?.template.spec?.containers.push({
      name: 'second',
      image: 'second:1',
      ports: [{ containerPort: 80 }],
    });
    await client.apply(DEPLOYMENTS, two, { fieldManager: 'm' });
    const one = await client.apply<Deployment>(DEPLOYMENTS, deployment(ns), { fieldManager: 'm' });
    return containersOf(one).map(({ name }) => name);
  },
  'apply sets and removes owners and labels': async (client, ns) => {
    const owner = (uid: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid });
    const apply = async (uids: string[], labels: Record<string, string>) => {
      const metadata = meta(ns, 'a', { labels, ownerReferences: uids.map(owner) });
      const { metadata: after } = await client.apply(
        CONFIG_MAPS,
        { ...configMap(ns, 'a', {}), metadata },
        { fieldManager: 'm' },
      );
      return [after.labels, after.ownerReferences?.map(({ uid }) => uid)];
    };
    return [await apply(['a', 'b'], { x: '1', y: '1' }), await apply(['b'], { y: '2' })];
  },
  'in a kind of one\u2019s own lists are one value and maps are merged': async (client, ns) => {
    const apply = async (fieldManager: string, spec: Widget['spec']) =>
      (await client.apply<Widget>(WIDGETS, widget(ns, 'a', { spec }), { fieldManager })).spec;
    return [
      await apply('m', { list: [{ name: 'a', value: '1' }, { name: 'b' }], map: { a: '1' } }),
      await apply('n', { map: { b: '1' } }),
      await apply('m', { list: [{ name: 'b' }], map: { c: '1' } }),
      await apply('m', { size: 1 }),
    ];
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
  'delete keeps to the uid it was given': async (client, ns) => {
    const { metadata } = await client.create(CONFIG_MAPS, configMap(ns, 'a', {}));
    const refused = await failure(client.delete(CONFIG_MAPS, meta(ns, 'a'), { uid: OTHER_UID }));
    return [
      refused,
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
  'lists in pages and by selectors': async (client, ns) => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const labels = { n: name, ...(name < 'c' && { first: 'yes' }) };
      await client.create(CONFIG_MAPS, { ...configMap(ns, name, {}), metadata: meta(ns, name, { labels }) });
    }
    const names = async (options: object) => {
      const { items } = await client.list(CONFIG_MAPS, { namespace: ns, ...options });
      return items.map(({ metadata }) => metadata.name);
    };
    const page = await client.list(CONFIG_MAPS, { namespace: ns, limit: 2 });
    const next = await client.list(CONFIG_MAPS, { namespace: ns, limit: 2, continue: page.continue });
    const last = await client.list(CONFIG_MAPS, { namespace: ns, limit: 2, continue: next.continue });
    return [
      [page, next, last].map(({ items }) => items.map(({ metadata }) => metadata.name)),
      [page, next, last].map(({ resourceVersion }) => resourceVersion === page.resourceVersion),
      last.continue,
      await names({ labelSelector: 'first' }),
      await names({ labelSelector: '!first,n!=c' }),
      await names({ labelSelector: 'n in (a,e),first=yes' }),
      await names({ labelSelector: 'n notin (a,e)' }),
      await names({ fieldSelector: 'metadata.name=c' }),
      await failure(names({ labelSelector: 'n in a' })),
    ];
  },
  'watch tells what happens after a version, by selector, and ends': async (client, ns) => {
    const made = await client.create(CONFIG_MAPS, configMap(ns, 'before', {}));
    const set = (name: string, labels: object) =>
      client.mergePatch(CONFIG_MAPS, meta(ns, name), { metadata: { labels } });
    await client.create(CONFIG_MAPS, {
      ...configMap(ns, 'a', {}),
      metadata: meta(ns, 'a', { labels: { x: '1' } }),
    });
    await set('a', { y: '1' });
    await set('before', { x: '1' });
    await set('a', { x: null });
    await client.delete(CONFIG_MAPS, meta(ns, 'before'));
    const told: unknown[] = [];
    const options = {
      namespace: ns,
      labelSelector: 'x',
      resourceVersion: made.metadata.resourceVersion,
      timeoutSeconds: 1,
    };
    for await (const { type, object } of client.watch(CONFIG_MAPS, options, new AbortController().signal)) {
      told.push([type, object.kind, object.metadata.name, object.metadata.labels]);
    }
    return told;
  },
  'watch without a version begins with what is there': async (client, ns) => {
    await client.create(CONFIG_MAPS, configMap(ns, 'a', {}));
    const options = { namespace: ns, timeoutSeconds: 1 };
    const told: unknown[] = [];
    for await (const { type, object } of client.watch(CONFIG_MAPS, options, new AbortController().signal)) {
      told.push([type, object.metadata.name]);
    }
    return told;
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

/** The CustomResourceDefinition of {@link WIDGETS}. */
export const widgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  size: { type: 'integer' },
                  list: {
                    type: 'array',
                    items: {
                      type: 'object',
                      properties: { name: { type: 'string' }, value: { type: 'string' } },
                    },
                  },
                  map: { type: 'object', additionalProperties: { type: 'string' } },
                },
              },
              status: {
                type: 'object',
                properties: {
                  ready: { type: 'boolean' },
                  items: {
                    type: 'array',
                    items: {
                      type: 'object',
                      properties: { type: { type: 'string' }, status: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};
