import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import type { ReferencedObjects } from '../../apis/kind.ts';
import { KINDS } from '../../apis/kinds.ts';
import { executionOf, isComplete } from '../../apis/run/execution/fromJob.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import { JOB } from '../../apis/run/job/kind.ts';
import type { Job } from '../../apis/run/job/types.ts';
import type { WorkerPool } from '../../apis/run/workerPool/types.ts';
import type { Configuration } from '../../apis/serving/configuration/types.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import { parseConfig } from '../../config.ts';
import type { KubeObject } from '../../kube/types.ts';
import { planConfiguration } from '../../reconcilers/configuration/plan.ts';
import { planDomainMapping } from '../../reconcilers/domainMapping/plan.ts';
import { desiredDeployment } from '../../reconcilers/revision/deployment.ts';
import { planRoute } from '../../reconcilers/route/plan.ts';
import { planService } from '../../reconcilers/service/plan.ts';
import { planWorkerPool } from '../../reconcilers/workerPool/plan.ts';
import { arbitraryObject } from '../testing/objects.ts';
import { patched, patchOf } from '../testing/patch.ts';
import { LENIENT, OPERATOR, objectOf, requestFor } from '../testing/requests.ts';
import { admitDefault, admitReferring, admitValidate, type Policy } from './admit.ts';
import type { AdmissionRequest } from './review.ts';

const config = parseConfig({});

interface Question {
  object: unknown;
  oldObject?: unknown;
  kind: string;
  user?: string;
  known?: ReferencedObjects;
}

/** The object as it is stored, or undefined when it is rejected; throws whatever admission throws. */
function admitted(question: Question, policy: Policy): KubeObject | undefined {
  const mutating = [
    (request: AdmissionRequest) => admitReferring(request, policy, question.known),
    (request: AdmissionRequest) => admitDefault(request, policy),
  ];
  let { object } = question;
  for (const admit of mutating) {
    const response = admit(requestFor(object, question));
    assert.ok(response.allowed || response.status?.message, 'a rejection has a message');
    if (!response.allowed) return undefined;
    object = patched(object, patchOf(response));
    assert.deepEqual(patchOf(admit(requestFor(object, question))), [], 'defaults are idempotent');
  }
  const last = admitValidate(requestFor(object, question), policy);
  assert.ok(last.allowed || last.status?.message, 'a rejection has a message');
  return last.allowed ? (object as KubeObject) : undefined;
}

/** Whatever is admitted must be reconciled, and the operator's own objects must be admitted in turn. */
function reconcile(stored: KubeObject, policy: Policy): void {
  const object = {
    ...stored,
    metadata: { ...stored.metadata, name: stored.metadata.name ?? 'made', generation: 1 },
  };
  const own = (kind: string, child: KubeObject) => {
    const kept = admitted({ kind, object: JSON.parse(JSON.stringify(child)), user: OPERATOR }, policy);
    assert.ok(kept, `the ${kind} of an admitted ${stored.kind} is admitted`);
    reconcile(kept, policy);
  };
  if (object.kind === 'Service') {
    const service = object as Service;
    for (const child of planService({ service }, 0).apply) own(child.kind, child);
  } else if (object.kind === 'Configuration') {
    const configuration = object as Configuration;
    const { apply } = planConfiguration({ configuration, revisions: [], routed: new Set() }, config, 0);
    for (const revision of apply) own('Revision', revision);
  } else if (object.kind === 'Route') {
    const input = { route: object as Route, configurations: new Map(), revisions: new Map() };
    planRoute(input, 'homerun-system', config, 0);
  } else if (object.kind === 'Job') {
    own('Execution', executionOf(object as Job, { name: 'made-1' }) as Execution);
  } else if (object.kind === 'Execution') {
    assert.ok(isComplete(object as Execution), 'nothing is missing');
  } else if (object.kind === 'WorkerPool') {
    const pool = object as WorkerPool;
    const { apply } = planWorkerPool(
      { pool, revisions: [], deployments: new Map(), pods: new Map() },
      config,
      0,
    );
    for (const revision of apply) own('Revision', revision);
  } else if (object.kind === 'DomainMapping') {
    planDomainMapping({ mapping: object as DomainMapping }, config, 0);
  } else {
    desiredDeployment(object as Revision, new Map(), config);
  }
}

const job = arbitraryObject(JOB);
const SOUND = objectOf('spec: {template: {spec: {template: {spec: {containers: [{image: a}]}}}}}', 'Job');

/**
 * The job that an execution names: it was admitted itself (a random one that is not gives way to a sound one), and the
 * API server has given it a name.
 */
function jobToRun(random: unknown, policy: Policy): Job | undefined {
  if (random === undefined) return undefined;
  const admit = (object: unknown) => admitted({ kind: 'Job', object }, policy);
  const job = (admit(random) ?? admit(SOUND)) as Job;
  return { ...job, metadata: { ...job.metadata, name: job.metadata.name ?? 'made' } };
}

/** Of each kind, and twice as many services; `make fuzz` takes more. */
const OBJECTS = Number(process.env.HOMERUN_OBJECTS ?? 1_000);

describe('admission of random objects', function () {
  this.timeout(300_000);

  for (const [definition, numRuns] of KINDS.map(
    (kind) => [kind, kind.kind === 'Service' ? 2 * OBJECTS : OBJECTS] as const,
  )) {
    it(`${numRuns} of ${definition.kind}: none breaks admission, and what is admitted is reconciled`, () => {
      let inside = 0;
      const object = arbitraryObject(definition);
      const question = fc.record({
        object,
        oldObject: fc.oneof(fc.constant(undefined), object),
        job: fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 9, arbitrary: job }),
        strict: fc.boolean(),
      });
      fc.assert(
        fc.property(question, ({ strict, job, ...objects }) => {
          const policy = { ...LENIENT, strict };
          const known = { job: { job: jobToRun(job, policy) } };
          const stored = admitted({ kind: definition.kind, known, ...objects }, policy);
          if (!stored) return;
          inside++;
          reconcile(stored, policy);
        }),
        { numRuns },
      );
      assert.ok(inside > numRuns / 100, `${inside} of ${numRuns} were admitted: the objects are too wild`);
    });
  }
});
