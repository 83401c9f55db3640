import assert from 'node:assert/strict';
import fc from 'fast-check';
import { normalHost, Router, Split } from './router.ts';

describe('normalHost', () => {
  const tables: Record<string, { reason: string; header: string; want: string | undefined }> = {
    plain: { reason: 'a name is itself', header: 'hello.ns.example.com', want: 'hello.ns.example.com' },
    port: { reason: 'the port is not part of the name', header: 'a.test:8080', want: 'a.test' },
    case: { reason: 'names have no case', header: 'A.Test', want: 'a.test' },
    dot: { reason: 'a root dot means the same name', header: 'a.test.:80', want: 'a.test' },
    address: { reason: 'an IPv4 address is a name of its own', header: '192.0.2.1:80', want: '192.0.2.1' },
    empty: { reason: 'no name', header: '', want: undefined },
    space: { reason: 'not a name', header: 'a b', want: undefined },
    userinfo: { reason: 'not allowed in Host', header: 'u@a.test', want: undefined },
    path: { reason: 'not a name', header: 'a.test/x', want: undefined },
    'bad port': { reason: 'a port is digits', header: 'a.test:http', want: undefined },
    'long port': { reason: 'a port has five digits at most', header: 'a.test:123456', want: undefined },
    ipv6: { reason: 'no service is named so', header: '[::1]:80', want: undefined },
  };
  for (const [name, { reason, header, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => assert.equal(normalHost(header), want));
  }
});

describe('Split', () => {
  const count = (split: Split, requests: number): Map<string, number> => {
    const counts = new Map<string, number>();
    for (let i = 0; i < requests; i++) {
      const revision = split.next() ?? 'none';
      counts.set(revision, (counts.get(revision) ?? 0) + 1);
    }
    return counts;
  };

  it('keeps 90/10 to within one of a hundred requests, anywhere in the stream', () => {
    const split = new Split([
      { revision: 'a', percent: 90 },
      { revision: 'b', percent: 10 },
    ]);
    for (let i = 0; i < 10; i++) {
      const b = count(split, 100).get('b') ?? 0;
      assert.ok(Math.abs(b - 10) <= 1, `${b} of 100`);
    }
  });

  it('gives each target its share to within the number of targets', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 }), (weights) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const split = new Split(weights.map((percent, i) => ({ revision: `r${i}`, percent })));
        const requests = 1000;
        const counts = count(split, requests);
        weights.forEach((weight, i) => {
          const want = (requests * weight) / total;
          const got = counts.get(`r${i}`) ?? 0;
          assert.ok(Math.abs(got - want) <= weights.length, `r${i}: ${got} for ${want}`);
        });
      }),
    );
  });

  it('never picks a target without a share', () => {
    const split = new Split([
      { revision: 'none', percent: 0 },
      { revision: 'all', percent: 100 },
    ]);
    assert.deepEqual([...count(split, 50)], [['all', 50]]);
    assert.equal(
      new Split([
        { revision: 'a', percent: 0 },
        { revision: 'b', percent: 0 },
      ]).next(),
      undefined,
    );
    assert.equal(new Split([]).next(), undefined);
  });
});

describe('Router', () => {
  const router = new Router();
  const targets = [{ revision: 'ns/a', percent: 100 }];
  router.set('a.test', { targets, internalOnly: false });
  router.set('a.ns', { targets, internalOnly: true });

  it('finds a host however the client wrote it', () => {
    for (const header of ['a.test', 'A.TEST', 'a.test:8080', 'a.test.']) {
      assert.equal(router.find(header, false)?.next(), 'ns/a', header);
    }
  });

  it('distinguishes an unknown host from an invalid one', () => {
    assert.equal(router.find('b.test', false), undefined);
    assert.equal(router.find('b test', false), null);
  });

  it('finds internal hosts for internal requests alone, however the client writes them', () => {
    for (const header of ['a.ns', 'A.ns', 'a.ns:80', 'a.ns.']) {
      assert.equal(router.find(header, true)?.next(), 'ns/a', header);
      assert.equal(router.find(header, false), undefined, header);
    }
    assert.equal(router.find('a.test', true)?.next(), 'ns/a', 'internal requests reach the others too');
  });
});
