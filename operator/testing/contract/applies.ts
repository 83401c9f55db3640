import { CONFIG_MAPS, type ConfigMap, DEPLOYMENTS, type Deployment } from '../../kube/core.ts';
import {
  type Case,
  configMap,
  containersOf,
  deployment,
  failure,
  HOOKS,
  type Hooks,
  meta,
  OTHER_UID,
  WIDGETS,
  type Widget,
  widget,
} from './objects.ts';

/** Server-side apply. */
export const applies: Record<string, Case> = {
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
  'apply merges maps and keeps fields of other managers': async (client, ns) => {
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { ours: '1', both: '1' }), { fieldManager: 'm' });
    await client.mergePatch(CONFIG_MAPS, meta(ns, 'a'), { data: { theirs: '1' } });
    const again = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', { ours: '2' }), {
      fieldManager: 'm',
    });
    return again.data;
  },
  'apply removes a field only when no other manager owns it': async (client, ns) => {
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { shared: '1', ours: '1' }), { fieldManager: 'm' });
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { shared: '1' }), { fieldManager: 'n' });
    const less = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', {}), { fieldManager: 'm' });
    const none = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', {}), { fieldManager: 'n' });
    return [less.data, none.data ?? {}];
  },
  'apply conflicts with a field of another manager, unless forced': async (client, ns) => {
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { a: '1' }), { fieldManager: 'm' });
    const other = configMap(ns, 'a', { a: '2' });
    const rejected = await failure(client.apply(CONFIG_MAPS, other, { fieldManager: 'n', force: false }));
    const forced = await client.apply<ConfigMap>(CONFIG_MAPS, other, { fieldManager: 'n' });
    // It is n's now, so m takes nothing away by leaving it out.
    const left = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', {}), { fieldManager: 'm' });
    return [rejected, forced.data, left.data];
  },
  'a field changed by an update is the updater\u2019s': async (client, ns) => {
    await client.apply(CONFIG_MAPS, configMap(ns, 'a', { a: '1' }), { fieldManager: 'm' });
    await client.mergePatch(CONFIG_MAPS, meta(ns, 'a'), { data: { a: '2' } });
    const rejected = await failure(
      client.apply(CONFIG_MAPS, configMap(ns, 'a', { a: '1' }), { fieldManager: 'm', force: false }),
    );
    const left = await client.apply<ConfigMap>(CONFIG_MAPS, configMap(ns, 'a', {}), { fieldManager: 'm' });
    return [rejected, left.data];
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
  'apply merges the webhooks of a configuration by name, and removes what nobody else has applied': async (
    client,
    ns,
  ) => {
    const apply = async (fieldManager: string, webhooks: object[]) => {
      const { apiVersion, kind } = HOOKS;
      const object: Hooks = { apiVersion, kind, metadata: { name: ns }, webhooks };
      const after = await client.apply<Hooks>(HOOKS, object, { fieldManager });
      return after.webhooks?.map(({ clientConfig }) => clientConfig);
    };
    const hook = (name: string, path?: string) => ({
      name: `${name}.example.com`,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      clientConfig: { service: { namespace: ns, name: 'hook', port: 443, path } },
    });
    const more = (service?: object) => [
      { name: 'b.example.com', clientConfig: { caBundle: 'YQ==', service } },
    ];
    const answers = [
      await apply('m', [hook('a', '/a'), hook('b', '/b')]),
      await apply('m', [hook('a', '/a'), hook('b')]),
      await apply('n', more({ path: '/n' })),
      await apply('m', [hook('a', '/a'), hook('b')]),
      await apply('m', [hook('a', '/a'), hook('b', '/b')]),
      await apply('n', more()),
      await apply('n', more({ path: '/n' })),
      await apply('n', more()),
    ];
    await client.delete(HOOKS, { name: ns });
    return answers;
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
  'in a kind of one\u2019s own a map that is applied empty must not have lost its last entry': async (
    client,
    ns,
  ) => {
    const apply = (spec: Widget['spec'], fieldManager = 'm') =>
      client.apply<Widget>(WIDGETS, widget(ns, 'a', { spec }), { fieldManager });
    const specs = [
      await apply({ size: 1, map: {} }),
      await apply({ size: 1, map: { a: '1' }, list: [{ name: 'a' }] }),
      await apply({ size: 1, map: { a: '1' }, list: [] }),
    ].map(({ spec }) => spec);
    const refused = await failure(apply({ size: 1, map: {} }));
    const { spec: without } = await apply({ size: 1 });
    await apply({ map: { a: '1' } });
    await apply({ map: { b: '1' } }, 'n');
    const { spec: theirs } = await apply({ map: {} });
    return [specs, refused, without, theirs];
  },
  'in a built-in kind it may': async (client, ns) => {
    const options = { fieldManager: 'm' };
    await client.apply(DEPLOYMENTS, deployment(ns, { resources: { limits: { cpu: '1' } } }), options);
    const after = await client.apply<Deployment>(
      DEPLOYMENTS,
      deployment(ns, { resources: { limits: {} } }),
      options,
    );
    return containersOf(after).map(({ resources }) => resources?.limits);
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
};
