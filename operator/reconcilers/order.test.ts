import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DOMAIN_MAPPINGS } from '../apis/domains/domainMapping/types.ts';
import { KIND_TYPES } from '../apis/kinds.ts';
import { RUN } from '../apis/labels.ts';
import { EXECUTIONS, type Execution } from '../apis/run/execution/types.ts';
import { JOBS } from '../apis/run/job/types.ts';
import { defaultWorkerPool } from '../apis/run/workerPool/defaults.ts';
import { WORKER_POOLS, type WorkerPool } from '../apis/run/workerPool/types.ts';
import { SERVICES, type Service } from '../apis/serving/service/types.ts';
import { parseConfig } from '../config.ts';
import { BATCH_JOBS, type BatchJob } from '../kube/core.ts';
import { domainMapping } from '../testing/domains.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { job } from '../testing/jobs.ts';
import { NAMESPACE, Person } from '../testing/person.ts';
import { BREAKS, PlayedCluster } from '../testing/playedCluster.ts';
import { Random } from '../testing/random.ts';
import { PINNED, service, workerPool } from '../testing/serving.ts';
import { ServingProcess } from '../testing/servingProcess.ts';
import { disruptionController } from './disruption/reconciler.ts';
import { RECONCILERS } from './index.ts';

/** Orders that each sequence is tried in. */
const ORDERS = 3;
const CONTROLLERS = [...RECONCILERS.map(({ controller }) => controller), disruptionController];

type Target = NonNullable<Service['spec']['traffic']>[number];

const LATEST: Target = { latestRevision: true, percent: 100 };

/** A service whose containers are told `state`, with a revision of this name. */
function hello(state: string, revision: string | undefined, ...traffic: Target[]): Service {
  const made = service('hello', {
    spec: { containers: [{ image: PINNED, env: [{ name: 'STATE', value: state }] }] },
    ...(revision ? { metadata: { name: revision } } : {}),
  });
  return { ...made, spec: { ...made.spec, traffic } };
}

function queue(state: string, revision: string | undefined, ...instanceSplits: Target[]) {
  const made = workerPool('queue', {
    spec: { containers: [{ image: PINNED, env: [{ name: 'STATE', value: state }] }] },
    ...(revision ? { metadata: { name: revision } } : {}),
  });
  return defaultWorkerPool({ ...made, spec: { ...made.spec, instanceSplits, manualInstanceCount: 2 } });
}

/** The same with containers that exit. */
function broken<T extends Service | WorkerPool>(object: T): T {
  const changed = structuredClone(object);
  for (const container of changed.spec.template.spec?.containers ?? []) container.env?.push(BREAKS);
  return changed;
}

function batch(state: string, token?: string) {
  const containers = [{ image: PINNED, env: [{ name: 'STATE', value: state }] }];
  return job({ task: { containers }, spec: token ? { runExecutionToken: token } : {} });
}

/** An execution as `kubectl create` makes it where no webhook looks up its job. */
function run(name: string): Execution {
  const { apiVersion, kind } = EXECUTIONS;
  return { apiVersion, kind, metadata: { name, namespace: NAMESPACE, labels: { [RUN.job]: 'hello' } } };
}

interface Sequence {
  reason: string;
  play: (person: Person) => Promise<void>;
}

const SEQUENCES: Record<string, Sequence> = {
  'a first revision with a name and a tag': {
    reason: 'the traffic names what the template is about to make',
    play: async (person) => {
      await person.apply(
        SERVICES,
        hello('1', 'hello-one', { revisionName: 'hello-one', percent: 100, tag: 'one' }),
      );
      await person.ready(SERVICES, 'hello');
    },
  },
  'a second revision without traffic, then with it, then the latest again': {
    reason: 'gcloud run deploy --no-traffic --tag, update-traffic --to-revisions, --to-latest',
    play: async (person) => {
      await person.apply(SERVICES, hello('1', 'hello-one', LATEST));
      await person.readyOrMade(SERVICES, 'hello', 'hello-one');
      const one = { revisionName: 'hello-one', percent: 100 };
      const two = { revisionName: 'hello-two', tag: 'next' };
      await person.apply(SERVICES, hello('2', 'hello-two', one, two));
      await person.readyOrMade(SERVICES, 'hello', 'hello-two');
      await person.apply(SERVICES, hello('2', 'hello-two', { ...two, percent: 100 }));
      await person.readyOrMade(SERVICES, 'hello', 'hello-two');
      await person.apply(SERVICES, hello('2', 'hello-two', LATEST));
      await person.ready(SERVICES, 'hello');
    },
  },
  'a template whose revision is renamed while the traffic names the one before': {
    reason: 'what the template named a moment ago is there, whoever has seen it',
    play: async (person) => {
      await person.apply(SERVICES, hello('1', 'hello-one', LATEST));
      await person.readyOrMade(SERVICES, 'hello', 'hello-one');
      await person.apply(SERVICES, hello('1', 'hello-two', { revisionName: 'hello-one', percent: 100 }));
      await person.readyOrMade(SERVICES, 'hello', 'hello-two');
      await person.apply(SERVICES, hello('3', undefined, { revisionName: 'hello-two', percent: 100 }));
      await person.ready(SERVICES, 'hello');
    },
  },
  'changes in a row': {
    reason: 'only the last one counts',
    play: async (person) => {
      for (const state of ['1', '2', '3']) await person.apply(SERVICES, hello(state, undefined, LATEST));
      await person.ready(SERVICES, 'hello');
      for (const state of ['4', '5']) await person.apply(SERVICES, hello(state, undefined, LATEST));
      await person.ready(SERVICES, 'hello');
    },
  },
  'a service that is deleted and made again': {
    reason: 'what the first one had goes later',
    play: async (person) => {
      const traffic = { revisionName: 'hello-one', percent: 100, tag: 'one' };
      for (const state of ['1', '2']) {
        await person.apply(SERVICES, hello(state, 'hello-one', traffic));
        await person.readyOrMade(SERVICES, 'hello', 'hello-one');
        await person.remove(SERVICES, 'hello');
      }
      await person.apply(SERVICES, hello('3', 'hello-one', person.random.chance(0.5) ? LATEST : traffic));
      await person.ready(SERVICES, 'hello');
    },
  },
  'a domain that is mapped to a service as it is made': {
    reason: 'the service is there, whoever has seen it',
    play: async (person) => {
      await person.apply(SERVICES, hello('1', undefined, LATEST));
      await person.apply(DOMAIN_MAPPINGS, domainMapping());
      await person.ready(DOMAIN_MAPPINGS, 'www.example.com');
      await person.ready(SERVICES, 'hello');
    },
  },
  'a service that is mended after its first revision failed': {
    reason: 'what is said of the revision before is not said of the next one',
    play: async (person) => {
      await person.apply(SERVICES, broken(hello('1', undefined, LATEST)));
      await person.settled(SERVICES, 'hello', 'False');
      await person.apply(SERVICES, hello('2', undefined, LATEST));
      await person.ready(SERVICES, 'hello');
    },
  },
  'a worker pool that is mended after its first revision failed': {
    reason: 'what is said of the revision before is not said of the next one',
    play: async (person) => {
      await person.apply(WORKER_POOLS, broken(queue('1', undefined, LATEST)));
      await person.settled(WORKER_POOLS, 'queue', 'False');
      await person.apply(WORKER_POOLS, queue('2', undefined, LATEST));
      await person.ready(WORKER_POOLS, 'queue');
    },
  },
  'executions of a job that changes': {
    reason: 'a run is one of the job as it was when it was asked for',
    play: async (person) => {
      const { client } = person.server;
      for (const state of ['1', '2']) {
        await person.apply(JOBS, batch(state));
        await client.create(EXECUTIONS, run(`hello-${state}`));
        if (state === '2' || person.random.chance(0.5)) {
          await person.ready(EXECUTIONS, `hello-${state}`, 'Completed');
          const ran = person.server.get<BatchJob>(BATCH_JOBS, {
            namespace: NAMESPACE,
            name: `hello-${state}`,
          });
          const [container] = ran?.spec?.template.spec?.containers ?? [];
          assert.equal(container?.env?.find(({ name }) => name === 'STATE')?.value, state);
        }
      }
      await person.ready(EXECUTIONS, 'hello-1', 'Completed');
      await person.ready(JOBS, 'hello');
    },
  },
  'a job that is ready when its run is over': {
    reason: 'runExecutionToken, as Terraform sets it',
    play: async (person) => {
      for (const token of ['one', 'two']) {
        await person.apply(JOBS, batch(token, token));
        await person.ready(JOBS, 'hello');
      }
    },
  },
  'a worker pool whose splits name its revisions': {
    reason: 'what the template named a moment ago is there, whoever has seen it',
    play: async (person) => {
      await person.apply(WORKER_POOLS, queue('1', 'queue-one', { revisionName: 'queue-one', percent: 100 }));
      await person.readyOrMade(WORKER_POOLS, 'queue', 'queue-one');
      const half = [
        { revisionName: 'queue-one', percent: 50 },
        { revisionName: 'queue-two', percent: 50 },
      ];
      await person.apply(WORKER_POOLS, queue('2', 'queue-two', ...half));
      await person.readyOrMade(WORKER_POOLS, 'queue', 'queue-two');
      await person.apply(
        WORKER_POOLS,
        queue('3', 'queue-three', { revisionName: 'queue-two', percent: 100 }),
      );
      await person.ready(WORKER_POOLS, 'queue');
    },
  },
  'a job that is deleted and made again': {
    reason: 'its run has the name of one of the first job',
    play: async (person) => {
      await person.apply(JOBS, batch('1', 'one'));
      if (person.random.chance(0.5)) await person.ready(JOBS, 'hello');
      await person.remove(JOBS, 'hello');
      await person.apply(JOBS, batch('2', 'one'));
      await person.ready(JOBS, 'hello');
    },
  },
  'a worker pool that is deleted and made again': {
    reason: 'what the first one had goes later',
    play: async (person) => {
      for (const state of ['1', '2']) {
        await person.apply(WORKER_POOLS, queue(state, 'queue-one', LATEST));
        await person.readyOrMade(WORKER_POOLS, 'queue', 'queue-one');
        await person.remove(WORKER_POOLS, 'queue');
      }
      await person.apply(WORKER_POOLS, queue('3', 'queue-one', LATEST));
      await person.ready(WORKER_POOLS, 'queue');
    },
  },
  'a worker pool that changes in a row': {
    reason: 'only the last one counts',
    play: async (person) => {
      for (const state of ['1', '2', '3']) await person.apply(WORKER_POOLS, queue(state, undefined, LATEST));
      await person.ready(WORKER_POOLS, 'queue');
      for (const state of ['4', '5']) await person.apply(WORKER_POOLS, queue(state, undefined, LATEST));
      await person.ready(WORKER_POOLS, 'queue');
    },
  },
};

/**
 * Plays a sequence with all controllers, while each watch lags behind the others in an order of the seed. Requests take
 * their own time, so a seed that fails may have to be played a few times to fail again.
 */
async function play({ play: sequence }: Sequence, seed: number): Promise<void> {
  const server = await FakeApiServer.start({ types: KIND_TYPES });
  const random = new Random(seed);
  const config = parseConfig({ startup: { crashSeconds: 1 } });
  const cluster = new PlayedCluster(server, random, KIND_TYPES);
  const process = new ServingProcess(server, CONTROLLERS, config);
  try {
    await sequence(new Person(server, random));
  } finally {
    await cluster.stop();
    await process.stop();
    await server.close();
  }
}

describe('controllers that hear of each kind at another time', () => {
  for (const [name, sequence] of Object.entries(SEQUENCES)) {
    it(`${name}: ${sequence.reason}`, () =>
      fc.assert(
        fc.asyncProperty(fc.integer({ min: 0 }), (seed) => play(sequence, seed)),
        { numRuns: ORDERS, endOnFailure: true },
      ));
  }
});
