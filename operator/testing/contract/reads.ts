import assert from 'node:assert/strict';
import { resourcePath } from '../../kube/client.ts';
import { CONFIG_MAPS } from '../../kube/core.ts';
import { splitList } from '../../kube/listText.ts';
import { type Case, configMap, failure, meta, WIDGETS, widget } from './objects.ts';

/** Lists and watches. */
export const reads: Record<string, Case> = {
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
  'begins each item of a list of a custom kind in the same way': async (client, ns) => {
    for (const name of ['a', 'b', 'c']) {
      const { apiVersion, kind, metadata } = widget(ns, name);
      await client.create(WIDGETS, { spec: { size: 1 }, metadata, kind, apiVersion });
    }
    const texts = await client.request<string[] | undefined>(
      'GET',
      resourcePath(WIDGETS, { namespace: ns }),
      {
        read: (list) => splitList(list, WIDGETS)?.items.map(String),
      },
    );
    assert.ok(texts, 'the items are found');
    return texts.map((text) => Object.keys(JSON.parse(text)).slice(0, 3));
  },
  'watch reports events after a version, by selector, and ends': async (client, ns) => {
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
    const received: unknown[] = [];
    const options = {
      namespace: ns,
      labelSelector: 'x',
      resourceVersion: made.metadata.resourceVersion,
      timeoutSeconds: 1,
    };
    for await (const { type, object } of client.watch(CONFIG_MAPS, options, new AbortController().signal)) {
      received.push([type, object.kind, object.metadata.name, object.metadata.labels]);
    }
    return received;
  },
  'watch without a version begins with existing objects': async (client, ns) => {
    await client.create(CONFIG_MAPS, configMap(ns, 'a', {}));
    const options = { namespace: ns, timeoutSeconds: 1 };
    const received: unknown[] = [];
    for await (const { type, object } of client.watch(CONFIG_MAPS, options, new AbortController().signal)) {
      received.push([type, object.metadata.name]);
    }
    return received;
  },
};
