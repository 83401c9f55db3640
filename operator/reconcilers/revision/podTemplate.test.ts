import { deepEqual, equal } from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import type { Deployment } from '../../kube/core.ts';
import { contentHash } from '../../kube/json.ts';
import { APPLIED_HASH } from '../../kube/types.ts';
import { PINNED, revision } from '../../testing/serving.ts';
import { desiredDeployment } from './deployment.ts';
import { applicable, TEMPLATE_HASH, type TemplateState, templateState } from './podTemplate.ts';

const images = new Map([['hello-1', PINNED]]);
const rendered = (instance = {}, replicas?: number) =>
  desiredDeployment(revision(), images, parseConfig({ instance }), { replicas });
const NOW = rendered({ cpuRequestFraction: 0.5 });
const BEFORE = rendered();

interface Live {
  replicas?: number;
  status?: Deployment['status'];
  generation?: number;
  annotations?: Record<string, string>;
}

const whole = (replicas: number) => ({
  observedGeneration: 3,
  replicas,
  updatedReplicas: replicas,
  readyReplicas: replicas,
});

/** What an API server has of an applied Deployment, with fields that it fills in. */
function live(made: Deployment, { replicas = 2, generation = 3, ...given }: Live = {}): Deployment {
  const { status = whole(replicas), annotations = made.metadata.annotations } = given;
  const template = made.spec?.template;
  const spec = { ...template?.spec, restartPolicy: 'Always', dnsPolicy: 'ClusterFirst' };
  return {
    ...made,
    metadata: { ...made.metadata, annotations, generation, resourceVersion: '7' },
    spec: { ...made.spec, replicas, progressDeadlineSeconds: 600, template: { ...template, spec } },
    status,
  } as Deployment;
}

/** As a release wrote it that knew no hash of the template. */
function legacy(made: Deployment): Deployment {
  const { annotations: _, ...metadata } = made.metadata;
  return live(made, { annotations: { [APPLIED_HASH]: contentHash({ ...made, metadata }) } });
}

/** A Deployment whose instances are being replaced. */
const mixed = (made: Deployment) =>
  live(made, { status: { observedGeneration: 3, replicas: 3, updatedReplicas: 1, readyReplicas: 2 } });

describe('the pod template of a Deployment', () => {
  const CASES: Record<
    string,
    {
      reason: string;
      live?: Deployment;
      desired?: Deployment;
      state: TemplateState;
      /** What is applied: everything as rendered, nothing, or all but the template. */
      applied: 'all' | 'nothing' | 'kept';
      turn?: 'all';
      version?: string;
    }
  > = {
    new: { reason: 'nothing runs', state: 'complete', applied: 'all' },
    'as rendered': {
      reason: 'what the server fills in is no change; the executor finds what others changed',
      live: live(NOW),
      state: 'complete',
      applied: 'all',
    },
    'rendered otherwise, running': {
      reason: 'a change would replace all instances; with its turn it does',
      live: live(BEFORE),
      state: 'outdated',
      applied: 'nothing',
      turn: 'all',
    },
    'rendered otherwise, without instances': {
      reason: 'nothing is replaced, unless one was started meanwhile: only this version',
      live: live(BEFORE, { replicas: 0 }),
      state: 'complete',
      applied: 'all',
      version: '7',
    },
    'rendered otherwise, being replaced': {
      reason: 'a person restarts the instances or edited the template: that is undone with it',
      live: mixed(BEFORE),
      state: 'replacing',
      applied: 'all',
    },
    'rendered otherwise, with another number': {
      reason: 'the number of a worker pool is not part of the template',
      live: live(BEFORE),
      desired: rendered({ cpuRequestFraction: 0.5 }, 5),
      state: 'outdated',
      applied: 'kept',
      version: '7',
    },
    'of a release without the hash, rendered the same': {
      reason: 'the hash of the whole shows that too',
      live: legacy(NOW),
      state: 'complete',
      applied: 'all',
    },
    'of a release without the hash, rendered otherwise': {
      reason: 'an upgrade restarts nothing',
      live: legacy(BEFORE),
      state: 'outdated',
      applied: 'nothing',
      turn: 'all',
    },
    'without any hash': {
      reason: 'it is not known how it was rendered',
      live: live(NOW, { annotations: {} }),
      state: 'outdated',
      applied: 'nothing',
      turn: 'all',
    },
    'just applied': {
      reason: "the cluster's controller has not seen it",
      live: live(NOW, { generation: 4 }),
      state: 'starting',
      applied: 'all',
    },
    'not all ready': {
      reason: 'the next one waits for it',
      live: live(NOW, { status: { ...whole(2), readyReplicas: 1 } }),
      state: 'starting',
      applied: 'all',
    },
  };
  for (const [name, { reason, live, desired = NOW, state, applied, turn, version }] of Object.entries(
    CASES,
  )) {
    it(`${name}: ${reason}`, () => {
      equal(templateState(desired, live), state);
      const [made, ...others] = applicable(desired, live, false);
      deepEqual(others, []);
      equal(made?.metadata.resourceVersion, version);
      if (applied === 'nothing') equal(made, undefined);
      else deepEqual(made?.spec?.template, (applied === 'all' ? desired : live)?.spec?.template);
      if (applied === 'kept') {
        equal(made?.spec?.replicas, desired.spec?.replicas);
        equal(made?.metadata.annotations?.[TEMPLATE_HASH], live?.metadata.annotations?.[TEMPLATE_HASH]);
      }
      if (turn) deepEqual(applicable(desired, live, true), [desired]);
    });
  }
});
