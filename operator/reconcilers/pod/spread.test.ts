import assert from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import { PINNED, revision } from '../../testing/serving.ts';
import { desiredDeployment, surroundingsOf } from '../revision/deployment.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const IMAGES = new Map([['user-container', PINNED]]);

/** The pods of a revision when the chart says `spreadOver`. */
function podSpec(spreadOver: string[]) {
  const config = parseConfig({ instance: { spreadOver } });
  const surroundings = surroundingsOf(revision(), {}, config);
  return desiredDeployment(revision(), IMAGES, config, surroundings).spec?.template.spec;
}

describe('the spread of instances', () => {
  it('is the scheduler’s matter unless the chart says otherwise', () => {
    assert.ok(!('topologySpreadConstraints' in (podSpec([]) ?? {})));
  });

  it('is over the instances of one revision, and never keeps one from starting', () => {
    assert.deepEqual(
      podSpec([ZONE, HOST])?.topologySpreadConstraints,
      [ZONE, HOST].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { 'serving.knative.dev/revisionUID': revision().metadata.uid } },
      })),
    );
  });
});
