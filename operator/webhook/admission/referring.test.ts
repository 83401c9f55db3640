import assert from 'node:assert/strict';
import { RUN } from '../../apis/labels.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import type { Job } from '../../apis/run/job/types.ts';
import { patched, patchOf } from '../testing/patch.ts';
import { API, LENIENT, OPERATOR, objectOf, requestFor } from '../testing/requests.ts';
import { admitDefault, admitReferring, admitValidate } from './admit.ts';

const JOB = objectOf(
  'metadata: {name: load}\nspec: {template: {spec: {template: {spec: {containers: [{name: a, image: app}]}}}}}',
  'Job',
) as Job;
const KNOWN = { job: { job: JOB } };

/** An execution of the job that a user creates. */
function execution(annotations: Record<string, string> = {}, name = 'hello'): Execution {
  const metadata = { name, namespace: 'demo', labels: { [RUN.job]: 'load' }, annotations };
  return { apiVersion: 'run.googleapis.com/v1', kind: 'Execution', metadata } as Execution;
}
const asked = (object: Execution, user = 'jane') => requestFor(object, { kind: 'Execution', user });
const overriding = (overrides: object) => ({ 'homerun.dev/overrides': JSON.stringify(overrides) });

describe('admitReferring', () => {
  it('leaves an object that refers to none to the other webhooks', () => {
    const wrong = asked(execution({}, 'Not-A-Name'));
    assert.deepEqual(admitReferring(wrong, LENIENT, undefined), { uid: 'review-1', allowed: true });
  });

  it('lists every error of the object, also those that the other webhooks would find', () => {
    const wrong = execution(overriding({ containerOverrides: [{ name: 'b' }] }), 'Not-A-Name');
    const { status } = admitReferring(asked(wrong), LENIENT, KNOWN);
    assert.deepEqual(
      status?.details?.causes.map(({ field }) => field),
      ['metadata.name', 'metadata.annotations[homerun.dev/overrides].containerOverrides[0].name'],
    );
  });

  it('shows the warnings that no other webhook knows of', () => {
    const env = [{ name: 'PORT', value: 'b' }];
    const warned = asked(execution(overriding({ containerOverrides: [{ env }] })));
    const { allowed, warnings = [] } = admitReferring(warned, LENIENT, KNOWN);
    assert.equal(allowed, true);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^metadata\.annotations\[homerun\.dev\/overrides\]\S*env\[0\]\.name: /);
    assert.deepEqual(admitDefault(warned, LENIENT).warnings, undefined);
    assert.deepEqual(admitValidate(warned, LENIENT).warnings, undefined);
  });

  it('names as the creator the person for whom the Admin API runs a job, and so do the webhooks after it', () => {
    const creator = { 'run.googleapis.com/creator': 'ada' };
    const made = execution(creator);
    const filled = patched(made, patchOf(admitReferring(asked(made, API), LENIENT, KNOWN)));
    assert.equal(filled.metadata.annotations?.['run.googleapis.com/creator'], 'ada');
    assert.deepEqual(patchOf(admitDefault(asked(filled, API), LENIENT)), []);
  });

  it('changes nothing that the controller makes, and refuses what has lost its job', () => {
    const own = asked(execution(), OPERATOR);
    assert.deepEqual(admitReferring(own, LENIENT, KNOWN), { uid: 'review-1', allowed: true });
    const { status } = admitReferring(own, LENIENT, { job: { job: undefined } });
    assert.match(status?.message ?? '', /is "load"; there is no such job/);
  });
});
