import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { contractFile } from '../../generate/contract.ts';
import { AUTOSCALING } from './autoscaling.ts';
import { BOOKKEEPING } from './bookkeeping.ts';
import { HOMERUN } from './homerun.ts';
import { RUN } from './run.ts';
import { SERVING } from './serving.ts';
import { ANNOTATIONS, honouredOn, notInheritedBy } from './table.ts';

const OPERATOR = resolve(import.meta.dirname, '../..');
const KEYS = [AUTOSCALING, RUN, SERVING, HOMERUN].flatMap((group) => Object.values<string>(group));

/** Any key of the domains whose annotations the table holds; API groups with their versions are none. */
const KEY =
  /(?:autoscaling\.knative\.dev|serving\.knative\.dev|runapps?\.googleapis\.com|homerun\.dev|(?<![\w.-])run\.googleapis\.com)\/(?!v\d)[A-Za-z][\w.-]*/g;

/** Declarations of other names in these domains: labels, names of Cloud Run's platform, and kube/'s own annotation. */
const OTHER_NAMES = [
  'apis/iam/bindings.ts',
  'apis/labels.ts',
  'apis/serving/instance/platform.ts',
  'kube/types.ts',
];

/** Test data is YAML as people write it. */
const IS_TEST = /\.test\.ts$|Cases\.ts$|(^|\/)(testing|fuzz|models)\//;

function sources(): string[] {
  return readdirSync(OPERATOR, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && !IS_TEST.test(path) && !path.startsWith('apis/annotations/'),
  );
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
}

describe('annotation table', () => {
  it('has each key once, and all groups', () => {
    assert.deepEqual([...ANNOTATIONS.keys()].sort(), KEYS.toSorted());
    assert.equal(new Set(KEYS).size, KEYS.length);
    assert.ok(KEYS.length > 75, `${KEYS.length} annotations`);
  });

  it('shares no key with the bookkeeping of controllers', () => {
    assert.deepEqual(
      Object.values(BOOKKEEPING).filter((key) => ANNOTATIONS.has(key)),
      [],
    );
  });

  it('is the only place in the sources that spells out a key', () => {
    const paths = sources();
    assert.ok(paths.includes('reconcilers/pod/pod.ts') && paths.length > 300, `${paths.length} sources`);
    const spelled = paths
      .filter((path) => !OTHER_NAMES.includes(path))
      .flatMap((path) => {
        const keys = withoutComments(readFileSync(join(OPERATOR, path), 'utf8')).match(KEY) ?? [];
        return keys.map((key) => `${relative('.', path)}: ${key}`);
      });
    assert.deepEqual(spelled, []);
  });

  it('finds a key that is spelled out, and nothing else', () => {
    const source = `
      // homerun.dev/run in a comment
      /** run.googleapis.com/ingress in a docstring */
      const a = 'run.googleapis.com/ingress', b = { apiVersion: 'run.googleapis.com/v1' };
      const c = \`use homerun.dev/new-key\`;`;
    assert.deepEqual(withoutComments(source).match(KEY), [
      'run.googleapis.com/ingress',
      'homerun.dev/new-key',
    ]);
  });

  it('is what docs/contract.md lists, each annotation with its values and its note', () => {
    const { text } = contractFile();
    for (const { key, value, effect } of ANNOTATIONS.values()) {
      const [line = ''] = text.split('\n').filter((row) => row.startsWith(`| \`${key}\` |`));
      assert.ok(line.includes(value?.allowed ?? ''), key);
      assert.ok(line !== '' && line.includes(effect.note ?? ''), `${key}: ${line}`);
    }
  });

  it('says which annotations are not inherited', () => {
    const child = notInheritedBy('child');
    for (const key of [RUN.ingressStatus, RUN.operationId, RUN.urls, HOMERUN.run])
      assert.ok(child.has(key), key);
    for (const key of [RUN.clientName, RUN.ingress, SERVING.creator]) assert.ok(!child.has(key), key);
    const execution = notInheritedBy('execution');
    for (const key of [RUN.operationId, RUN.clientName, RUN.creator, SERVING.creator, HOMERUN.run]) {
      assert.ok(execution.has(key), key);
    }
    for (const key of [RUN.containerDependencies, RUN.secrets]) assert.ok(!execution.has(key), key);
  });

  it('lists what is honoured on a template, and what of that on services only', () => {
    assert.match(honouredOn('revision'), /autoscaling\.knative\.dev\/minScale \(services only\), /);
    assert.match(honouredOn('executionTemplate'), /container-dependencies, run\.googleapis\.com\/secrets/);
    assert.doesNotMatch(honouredOn('executionTemplate'), /execution-environment|cloudsql/);
  });
});
