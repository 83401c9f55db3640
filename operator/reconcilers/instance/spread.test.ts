import assert from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import type { Deployment } from '../../kube/core.ts';
import { PINNED, revision } from '../../testing/serving.ts';
import { desiredDeployment, surroundingsOf } from '../revision/deployment.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const IMAGES = new Map([['user-container', PINNED]]);

/** The Deployment that follows on one, when the chart says `spreadOver`. */
function next(spreadOver: string[], present?: Deployment): Deployment {
  const config = parseConfig({ instance: { spreadOver } });
  const surroundings = surroundingsOf(revision(), present, {}, config);
  return desiredDeployment(revision(), IMAGES, config, surroundings);
}

const withReplicas = (made: Deployment, replicas: number) =>
  ({ ...made, spec: { ...made.spec, replicas } }) as Deployment;
const spreadOver = (made: Deployment) =>
  made.spec?.template.spec?.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey);

describe('the spread of instances', () => {
  it('is the scheduler’s matter unless the chart says otherwise', () => {
    assert.ok(!('topologySpreadConstraints' in (next([]).spec?.template.spec ?? {})));
  });

  it('is over the instances of one revision, and never keeps one from starting', () => {
    assert.deepEqual(
      next([ZONE, HOST]).spec?.template.spec?.topologySpreadConstraints,
      [ZONE, HOST].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { 'serving.knative.dev/revisionUID': revision().metadata.uid } },
      })),
    );
  });

  it('leaves alone what somebody else has added to those that run', () => {
    const present = withReplicas(next([]), 1);
    const pod = present.spec?.template.spec as { topologySpreadConstraints?: object[] };
    pod.topologySpreadConstraints = [{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule' }];
    assert.equal(spreadOver(next([HOST], present)), undefined);
  });

  const changes: Record<
    string,
    { before: string[]; replicas: number; now: string[]; want: string[] | undefined; reason: string }
  > = {
    'set while instances run': {
      before: [],
      replicas: 1,
      now: [ZONE],
      want: undefined,
      reason: 'it would restart them',
    },
    'taken back while instances run': {
      before: [ZONE],
      replicas: 1,
      now: [],
      want: [ZONE],
      reason: 'it would restart them',
    },
    'changed while instances run': {
      before: [ZONE],
      replicas: 2,
      now: [HOST],
      want: [ZONE],
      reason: 'as well',
    },
    'set while none runs': {
      before: [],
      replicas: 0,
      now: [ZONE],
      want: [ZONE],
      reason: 'the next one has it',
    },
    'taken back while none runs': {
      before: [ZONE],
      replicas: 0,
      now: [],
      want: undefined,
      reason: 'the next one is without',
    },
  };
  for (const [name, { before, replicas, now, want, reason }] of Object.entries(changes)) {
    it(`${name}: ${reason}`, () => {
      const present = withReplicas(next(before), replicas);
      const changed = next(now, present);
      assert.deepEqual(spreadOver(changed), want);
      if (replicas > 0) assert.deepEqual(changed.spec?.template, present.spec?.template);
    });
  }
});
