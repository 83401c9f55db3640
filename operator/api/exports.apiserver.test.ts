import { deepEqual, equal } from 'node:assert/strict';
import { KINDS } from '../apis/kinds.ts';
import { LOCATION } from '../apis/labels.ts';
import { JOBS } from '../apis/run/job/types.ts';
import type { KubeObject } from '../kube/types.ts';
import { publicManifests } from '../webhook/testing/public.ts';
import { clientOf } from './testing/client.ts';
import { NAMESPACE, useApi } from './testing/installation.ts';

interface Container {
  env?: { name: string; value: string }[];
}

/** What `gcloud run services describe --format=export` leaves out (export_printer.py of gcloud 528). */
const LEFT_OUT = ['creationTimestamp', 'generation', 'resourceVersion', 'selfLink', 'uid'];
const ANNOTATIONS_LEFT_OUT = [
  ...['serving.knative.dev/creator', 'serving.knative.dev/lastModifier'],
  ...['client-name', 'client-version', 'creatorEmail', 'lastModifierEmail', 'operation-id'].map(
    (name) => `run.googleapis.com/${name}`,
  ),
];
/** As many of the public manifests are accepted (operator/webhook/admission/publicManifests.apiserver.test.ts). */
const ACCEPTED = 15;

describe('exports of public manifests', function () {
  this.timeout(120_000);
  const call = clientOf(useApi());
  let accepted = 0;

  for (const [origin, manifest] of publicManifests()) {
    it(`${origin}: replaced by its edited export, it differs by the edit`, async () => {
      const collection = collectionOf(manifest);
      // The project and the region are this installation's: others are refused.
      const { namespace: _, labels: { [LOCATION]: __, ...labels } = {}, ...rest } = manifest.metadata;
      const metadata = { ...rest, labels };
      const made = await call('POST', collection, { body: { ...manifest, metadata } });
      if (made.status === 400) return;
      equal(made.status, 200, JSON.stringify(made.body));
      accepted += 1;

      const path = `${collection}/${manifest.metadata.name}`;
      const read = async () => (await call('GET', path)).body as KubeObject;
      const exported = exportOf(await read());
      const { body: same } = await call('PUT', path, { body: exported });
      equal(
        same.metadata.generation,
        made.body.metadata.generation,
        'an export that is not edited is no change',
      );

      const wanted = edited(exported);
      const { status, body } = await call('PUT', path, { body: wanted });
      equal(status, 200, JSON.stringify(body));
      deepEqual(exportOf(await read()), wanted);
      equal((await call('DELETE', path)).status, 200);
    });
  }

  it('are of all manifests that are accepted', () => {
    equal(accepted, ACCEPTED);
  });
});

function collectionOf({ apiVersion, kind }: KubeObject): string {
  const { plural } = KINDS.find((each) => each.kind === kind) ?? {};
  return `/apis/${apiVersion}/namespaces/${NAMESPACE}/${plural}`;
}

function exportOf(object: KubeObject): KubeObject {
  const { status: _, metadata, ...rest } = structuredClone(object) as KubeObject & { status?: unknown };
  const without = (of: object | undefined, names: readonly string[]) =>
    Object.fromEntries(Object.entries(of ?? {}).filter(([name]) => !names.includes(name)));
  const annotations = without(metadata.annotations, ANNOTATIONS_LEFT_OUT);
  return { ...rest, metadata: { ...without(metadata, LEFT_OUT), annotations } } as unknown as KubeObject;
}

/** With one more label, and one more variable of each container. */
function edited(exported: KubeObject): KubeObject {
  const copy = structuredClone(exported) as KubeObject & { spec: { template: { spec: never } } };
  copy.metadata.labels = { ...copy.metadata.labels, edited: 'yes' };
  const { spec } = copy.spec.template as { spec: { containers: Container[]; template: { spec: never } } };
  const { containers } = (exported.kind === JOBS.kind ? spec.template.spec : spec) as {
    containers: Container[];
  };
  for (const container of containers)
    container.env = [...(container.env ?? []), { name: 'EDITED', value: 'yes' }];
  return copy;
}
