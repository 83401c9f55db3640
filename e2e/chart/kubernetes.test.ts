import { deepEqual, equal } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CHART, helm, type Rendered, render } from './helm.ts';
import { Validator, VERSIONS } from './kubernetes/validator.ts';
import { VALUE_SETS } from './valueSets.ts';

/** Kinds of other projects, which come with definitions of their own, and of Homerun. */
const NOT_OF_KUBERNETES = [
  'gateway.networking.k8s.io/v1 HTTPRoute',
  'monitoring.coreos.com/v1 PrometheusRule',
  'monitoring.coreos.com/v1 ServiceMonitor',
  'serving.knative.dev/v1 Service',
];

describe('what the chart makes', () => {
  const made = new Map<string, Rendered[]>();
  before(function () {
    // The first call may have to build Helm.
    this.timeout(600_000);
    helm(['version']);
    for (const [name, values] of Object.entries(VALUE_SETS)) made.set(name, render(values));
    made.set('definitions', render({}, { chart: CHART, templates: ['crds'] }));
  });
  const all = () => [...made.values()].flat();

  it('does not depend on the version, so that one rendering stands for all', () => {
    const folder = join(CHART, 'templates');
    const asking = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .filter(({ name, parentPath }) => /Capabilities/.test(readFileSync(join(parentPath, name), 'utf8')));
    deepEqual(asking, []);
  });

  it('has no kinds but those that are checked here', () => {
    const validator = new Validator(VERSIONS[0] ?? '');
    const unknown = all().filter((object) => !validator.knows(object));
    const names = unknown.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`);
    deepEqual([...new Set(names)].sort(), NOT_OF_KUBERNETES);
  });

  it('is checked from the oldest version that the chart allows to the one that tests run on', () => {
    const { kubeVersion } = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
    equal(kubeVersion, `>=${VERSIONS[0]}.0-0`);
    const cluster = readFileSync(new URL('../cluster/kube/go.mod', import.meta.url), 'utf8');
    const [, minor] = /^\tk8s\.io\/kubernetes v(\d+\.\d+)\./m.exec(cluster) ?? [];
    equal(VERSIONS.at(-1), minor);
  });

  for (const version of VERSIONS) {
    const validator = new Validator(version);
    for (const name of [...Object.keys(VALUE_SETS), 'definitions']) {
      it(`is valid for Kubernetes ${version}: ${name}`, () => {
        const objects = made.get(name)?.filter((object) => validator.knows(object)) ?? [];
        deepEqual(
          objects.flatMap((object) => validator.errorsOf(object)),
          [],
        );
      });
    }
  }

  describe('would be refused', () => {
    const pod = (container: object): Rendered => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'a', image: 'a', ...container }] },
    });
    const key = { volumeName: 'a', path: 'b', key: 'c' };
    const cases: Record<string, { object: Rendered; versions: readonly string[]; reason: string }> = {
      'an unknown field': {
        object: pod({ imagePullPolice: 'Always' }),
        versions: VERSIONS,
        reason: 'the API server drops it, and Helm says nothing',
      },
      'a wrong type': {
        object: pod({ args: 'controller' }),
        versions: VERSIONS,
        reason: 'the API server cannot read it',
      },
      'a missing field': {
        object: pod({ env: [{ value: 'a' }] }),
        versions: VERSIONS,
        reason: 'the name is required',
      },
      'a field of a later version': {
        object: pod({ env: [{ name: 'A', valueFrom: { fileKeyRef: key } }] }),
        versions: VERSIONS.filter((version) => version !== '1.34'),
        reason: 'Kubernetes 1.34 was the first to have it',
      },
      'a number where a text is wanted': {
        object: pod({ env: [{ name: 'A', value: 1 }] }),
        versions: VERSIONS,
        reason: 'templates that forget to quote make it',
      },
      'nothing, with quantities as numbers': {
        object: pod({
          resources: { limits: { cpu: 2, memory: '1Gi' } },
          livenessProbe: { httpGet: { port: 'admin' } },
        }),
        versions: [],
        reason: 'the API server takes both',
      },
    };
    for (const [name, { object, versions, reason }] of Object.entries(cases)) {
      it(`for ${name}, because ${reason}`, () => {
        const refusing = VERSIONS.filter((version) => new Validator(version).errorsOf(object).length > 0);
        deepEqual(refusing, versions);
      });
    }
  });
});
