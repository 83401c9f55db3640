import assert from 'node:assert/strict';
import { SERVING as ANNOTATION } from '../../apis/annotations/serving.ts';
import { conditionOf } from '../../apis/condition.ts';
import { parseConfig } from '../../config.ts';
import { contentHash } from '../../kube/json.ts';
import { controllerReference } from '../../kube/owner.ts';
import { APPLIED_HASH } from '../../kube/types.ts';
import { assertGolden } from '../../testing/golden.ts';
import { configuration, EPOCH, revision } from '../../testing/serving.ts';
import { desiredRevision as revisionOf } from '../template/plan.ts';
import { type ConfigurationInput, ownerOf, planConfiguration } from './plan.ts';

const config = parseConfig({});
const desiredRevision = (made: ConfigurationInput['configuration']) => revisionOf(ownerOf(made));

function at(generation: number, changes: Parameters<typeof configuration>[1] = {}, status: object = {}) {
  const made = configuration('hello', changes);
  return {
    ...made,
    metadata: { ...made.metadata, generation },
    status,
  } as ConfigurationInput['configuration'];
}

interface Case {
  reason: string;
  input: Partial<ConfigurationInput> & Pick<ConfigurationInput, 'configuration'>;
  /** Whether a revision is made. */
  makes: boolean;
  created?: string | RegExp;
  ready?: string;
  condition: { status: string; reason?: string; message?: RegExp };
}

const old = revision('hello-00001-abc', { generation: 1, ready: 'True' });
const named = revision('hello-v2', { generation: 2, ready: 'True' });

const CASES: Record<string, Case> = {
  new: {
    reason: 'the first generation makes the first revision',
    input: { configuration: at(1) },
    makes: true,
    created: /^hello-00001-[a-z]{3}$/,
    condition: { status: 'Unknown' },
  },
  'revision there and ready': {
    reason: 'a generation that has its revision makes no second one',
    input: { configuration: at(1), revisions: [old] },
    makes: false,
    created: 'hello-00001-abc',
    ready: 'hello-00001-abc',
    condition: { status: 'True' },
  },
  'second revision starting': {
    reason: 'the one that was ready stays the latest ready one until the next is',
    input: {
      configuration: at(2, {}, { latestReadyRevisionName: 'hello-00001-abc' }),
      revisions: [old, revision('hello-00002-abc', { generation: 2, ready: 'Unknown' })],
    },
    makes: false,
    created: 'hello-00002-abc',
    ready: 'hello-00001-abc',
    condition: { status: 'Unknown' },
  },
  'second revision failed': {
    reason: 'a failed revision is reported, and the one before goes on serving',
    input: {
      configuration: at(2, {}, { latestReadyRevisionName: 'hello-00001-abc' }),
      revisions: [old, revision('hello-00002-abc', { generation: 2, ready: 'False', message: 'It exited.' })],
    },
    makes: false,
    created: 'hello-00002-abc',
    ready: 'hello-00001-abc',
    condition: { status: 'False', reason: 'RevisionFailed', message: /hello-00002-abc.*It exited\.$/ },
  },
  'an older revision fails later': {
    reason: 'the latest ready one never goes back by itself',
    input: {
      configuration: at(2, {}, { latestReadyRevisionName: 'hello-00002-abc' }),
      revisions: [old, revision('hello-00002-abc', { generation: 2, ready: 'Unknown' })],
    },
    makes: false,
    created: 'hello-00002-abc',
    ready: 'hello-00002-abc',
    condition: { status: 'Unknown' },
  },
  'name taken by another content': {
    reason: 'a revision is never changed; a name cannot be used twice',
    input: {
      configuration: at(
        3,
        { metadata: { name: 'hello-v2' }, spec: { timeoutSeconds: 9 } },
        {
          latestCreatedRevisionName: 'hello-v2',
          latestReadyRevisionName: 'hello-v2',
        },
      ),
      revisions: [named],
      named,
    },
    makes: false,
    created: 'hello-v2',
    ready: 'hello-v2',
    condition: {
      status: 'False',
      reason: 'AlreadyExists',
      message: /'hello-v2' with different configuration/,
    },
  },
  'name taken by a revision of an earlier configuration of the name': {
    reason: 'it goes without anybody doing something',
    input: {
      configuration: at(1, { metadata: { name: 'hello-v2' } }, {}),
      revisions: [],
      named: {
        ...named,
        metadata: {
          ...named.metadata,
          ownerReferences: [
            controllerReference({
              ...configuration(),
              metadata: { ...configuration().metadata, uid: 'old' },
            }),
          ],
        },
      },
    },
    makes: true,
    created: 'hello-v2',
    condition: { status: 'Unknown' },
  },
  invalid: {
    reason: 'it came in while the webhook was away: nothing is made of it, and all that is wrong is said',
    input: {
      configuration: at(
        2,
        { spec: { containers: [{ image: 'a', env: [{ name: 'PORT' }] }], volumes: [{ name: 'v' }] } },
        { latestCreatedRevisionName: 'hello-00001-abc', latestReadyRevisionName: 'hello-00001-abc' },
      ),
      revisions: [old],
    },
    makes: false,
    created: 'hello-00001-abc',
    ready: 'hello-00001-abc',
    condition: {
      status: 'False',
      reason: 'InvalidArgument',
      message: /^spec\.template\.spec\..*PORT.*; spec\.template\.spec\.volumes\[0\]: /,
    },
  },
  'invalid by rules that are newer than its revision': {
    reason: 'what runs goes on running after an upgrade',
    input: {
      configuration: at(1, { spec: { volumes: [{ name: 'v' }] } }),
      revisions: [old],
    },
    makes: false,
    created: 'hello-00001-abc',
    ready: 'hello-00001-abc',
    condition: { status: 'True' },
  },
  'back to a named revision': {
    reason: 'a revert in git brings back a template whose revision still exists: it serves again',
    input: {
      configuration: at(4, { metadata: { name: 'hello-v2' } }, { latestReadyRevisionName: 'hello-v3' }),
      revisions: [named, revision('hello-v3', { generation: 3, ready: 'True' })],
      named,
    },
    makes: false,
    created: 'hello-v2',
    ready: 'hello-v2',
    condition: { status: 'True' },
  },
};

describe('planConfiguration', () => {
  for (const [name, { reason, input, makes, created, ready, condition }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const plan = planConfiguration({ revisions: [], routed: new Set(), ...input }, config, EPOCH);
      const status = plan.status?.status;
      assert.equal(plan.apply.length, makes ? 1 : 0);
      if (created instanceof RegExp) assert.match(status?.latestCreatedRevisionName ?? '', created);
      else assert.equal(status?.latestCreatedRevisionName, created);
      assert.equal(status?.latestReadyRevisionName, ready);
      const actual = conditionOf(status?.conditions, 'Ready');
      assert.equal(actual?.status, condition.status);
      if (condition.reason) assert.equal(actual?.reason, condition.reason);
      if (condition.message) assert.match(actual?.message ?? '', condition.message);
    });
  }

  const by = (user: string, made: ConfigurationInput['configuration']) => ({
    ...made,
    metadata: { ...made.metadata, annotations: { [ANNOTATION.lastModifier]: user } },
  });

  it('names as the creator of a revision who changed its template', () => {
    const annotations = { [ANNOTATION.creator]: 'mallory' };
    const made = desiredRevision(by('jane', at(1, { metadata: { annotations } })));
    assert.equal(made.metadata.annotations?.[ANNOTATION.creator], 'jane');
  });

  it('makes no second revision of a template that only spells out a default, whatever did so', () => {
    const made = desiredRevision(by('jane', at(1)));
    const annotations = { ...made.metadata.annotations, [APPLIED_HASH]: contentHash(made) };
    const first = { ...made, metadata: { ...made.metadata, annotations } };
    const plan = (spec: object, metadata?: { name: string }) =>
      planConfiguration(
        { configuration: by('bob', at(2, { spec, metadata })), revisions: [first], routed: new Set() },
        config,
        EPOCH,
      );
    assert.deepEqual(plan({ timeoutSeconds: 300 }).apply, []);
    assert.equal(plan({ timeoutSeconds: 300 }).status?.status?.latestCreatedRevisionName, made.metadata.name);
    assert.equal(plan({ timeoutSeconds: 301 }).apply.length, 1);
    assert.equal(plan({}, { name: 'hello-again' }).apply.length, 1, 'a new name asks for a new revision');
  });

  const empty = {
    containers: [{ image: 'a', env: [], args: [], resources: { limits: {} } }],
    nodeSelector: {},
    imagePullSecrets: [],
  };
  const bare = { containers: [{ image: 'a' }] };
  const UPGRADES: Record<string, { reason: string; from: object; to: object; makes: boolean }> = {
    'with what is empty, as before': { reason: 'nothing has changed', from: empty, to: empty, makes: false },
    'with what is empty': { reason: 'its controller had left that out', from: bare, to: empty, makes: false },
    'without what is empty': { reason: 'its controller passed that on', from: empty, to: bare, makes: false },
    'with an empty text': {
      reason: 'it selects other nodes',
      from: bare,
      to: { ...bare, nodeSelector: { spot: '' } },
      makes: true,
    },
    'that has other arguments': {
      reason: 'something else is to run',
      from: empty,
      to: { containers: [{ image: 'a', args: ['b'] }] },
      makes: true,
    },
  };
  for (const [name, { reason, from, to, makes }] of Object.entries(UPGRADES)) {
    it(`${makes ? 'makes a' : 'keeps its'} revision for a template ${name}: ${reason}`, () => {
      const made = desiredRevision(at(1, { spec: from }));
      const annotations = { ...made.metadata.annotations, [APPLIED_HASH]: contentHash(made) };
      const first = JSON.parse(JSON.stringify({ ...made, metadata: { ...made.metadata, annotations } }));
      const status = { observedGeneration: 1, latestCreatedRevisionName: made.metadata.name };
      const input = {
        configuration: at(2, { spec: to }, status),
        revisions: [first],
        routed: new Set<string>(),
      };
      assert.equal(planConfiguration(input, config, EPOCH).apply.length, makes ? 1 : 0);
    });
  }

  it('makes the same revision again after a restart', () => {
    assert.deepEqual(desiredRevision(at(1)), desiredRevision(at(1)));
  });

  it('makes revisions as golden/revision.golden.yaml says', () => {
    const annotations = { 'autoscaling.knative.dev/maxScale': '3', 'example.com/note': 'kept' };
    const made = at(2, {
      metadata: { annotations, labels: { team: 'blue' } },
      spec: { containerConcurrency: 10 },
    });
    assertGolden(new URL('./golden/revision.golden.yaml', import.meta.url), desiredRevision(made));
  });
});
