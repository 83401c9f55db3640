import assert from 'node:assert/strict';
import fc from 'fast-check';
import { childName, deploymentName, revisionName } from './names.ts';

const LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const parent = fc.stringMatching(/^[a-z]([-a-z0-9]{0,70}[a-z0-9])?$/);
const suffix = fc.stringMatching(/^-[a-z0-9]{1,30}$/);

describe('names', () => {
  it('numbers revisions as Cloud Run does, with three letters behind', () => {
    assert.match(revisionName({ name: 'hello', uid: 'u', generation: 7 }), /^hello-00007-[a-z]{3}$/);
    assert.match(revisionName({ name: 'hello', uid: 'u', generation: 123_456 }), /^hello-123456-[a-z]{3}$/);
  });

  it('gives a revision the same name each time, and another one to another object of that name', () => {
    const named = (uid: string, generation: number) => revisionName({ name: 'hello', uid, generation });
    assert.equal(named('u', 1), named('u', 1));
    assert.notEqual(named('u', 1), named('v', 1));
    assert.notEqual(named('u', 1).slice(-3), named('u', 2).slice(-3));
  });

  it('names the Deployment of a revision as Knative does', () => {
    assert.equal(deploymentName('hello-00001-abc'), 'hello-00001-abc-deployment');
    assert.match(deploymentName('r'.repeat(63)), /^r+-[0-9a-f]{8}-deployment$/);
  });

  it('leaves short names readable', () => {
    assert.equal(childName('hello', '-1'), 'hello-1');
    assert.equal(childName('a'.repeat(61), '-1').length, 63);
  });

  it('makes DNS labels of at most 63 characters out of any parent and suffix', () => {
    fc.assert(
      fc.property(parent, suffix, (name, end) => {
        const child = childName(name, end);
        assert.ok(child.length <= 63);
        assert.match(child, LABEL);
        if (end.length < 50) assert.ok(child.endsWith(end));
      }),
    );
  });

  it('keeps long names apart that begin alike', () => {
    const long = 'a'.repeat(70);
    assert.notEqual(childName(`${long}b`, '-1'), childName(`${long}c`, '-1'));
  });
});
