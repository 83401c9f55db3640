import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cores } from '../../apis/quantity.ts';
import { BOOST_ANNOTATION } from '../../apis/serving/revision/boost.ts';
import { parseConfig } from '../../config.ts';
import type { Deployment } from '../../kube/core.ts';
import { revision } from '../../testing/serving.ts';
import { desiredDeployment } from '../revision/deployment.ts';
import { boostAnnotation, boostedCpu } from './boost.ts';

const config = parseConfig({});

describe('boostedCpu', () => {
  const steps = { '80m': '2', '1': '2', '1500m': '4', '2': '4', '4': '8', '6': '8', '8': '8', '16': '16' };
  it('is what Cloud Run gives beside each limit', () => {
    for (const [limit, boosted] of Object.entries(steps)) assert.equal(boostedCpu(limit), boosted, limit);
  });

  it('is never less than the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64_000 }), (millis) => {
        assert.ok(cores(boostedCpu(`${millis}m`)) >= millis / 1000);
      }),
    );
  });
});

/** The Deployment of a revision with these resources in its one container. */
function boosted(resources: object, boost = true): Deployment {
  const spec = { containers: [{ name: 'app', image: 'registry.example/app:1', resources }] };
  return desiredDeployment(revision('hello-1', { spec }), new Map(), config, { boost });
}

/** CPU and memory of its container: limit and request. */
function resourcesOf({ spec }: Deployment) {
  const { limits, requests } = spec?.template.spec?.containers[0]?.resources ?? {};
  return { cpu: [limits?.cpu, requests?.cpu], memory: [limits?.memory, requests?.memory] };
}

describe('a boosted instance', () => {
  it('is made with the higher limit and asks the scheduler for no more', () => {
    const made = boosted({ limits: { cpu: '1000m', memory: '256Mi' } });
    assert.deepEqual(resourcesOf(made), {
      cpu: ['2', '100m'],
      memory: ['256Mi', '64Mi'],
    });
    assert.deepEqual(made.spec?.template.metadata?.annotations, { [BOOST_ANNOTATION]: '{"app":"1"}' });
  });

  it('requests more only where its requests are its limits: a pod cannot change its class of service', () => {
    const same = { cpu: '2', memory: '1Gi' };
    assert.deepEqual(resourcesOf(boosted({ limits: same, requests: same })), {
      cpu: ['4', '4'],
      memory: ['1Gi', '1Gi'],
    });
  });

  it('is written down for containers that have less than the most', () => {
    assert.deepEqual(boostAnnotation([['big', '8']]), {});
  });

  it('is like any other when it has the most that there is', () => {
    const limits = { cpu: '8', memory: '4Gi' };
    assert.deepEqual(boosted({ limits }), boosted({ limits }, false));
  });
});
