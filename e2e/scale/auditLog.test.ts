import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog, callsOf } from './auditLog.ts';

const controller = { username: 'system:serviceaccount:homerun-system:homerun-controller' };

function line(verb: string, resource?: string, subresource?: string): string {
  const objectRef = resource && { resource, subresource, namespace: 'demo' };
  return JSON.stringify({ kind: 'Event', stage: 'ResponseComplete', verb, user: controller, objectRef });
}

const CALLS = {
  'a list': { of: line('list', 'pods'), counts: { reads: 1 }, reason: 'it reads' },
  'a watch': { of: line('watch', 'pods'), counts: { reads: 1 }, reason: 'it reads, once when it ends' },
  'a path': { of: line('get'), counts: { reads: 1 }, reason: '/version is no object' },
  'a patch': { of: line('patch', 'services', 'status'), counts: { writes: 1 }, reason: 'status is stored' },
  'a renewal': { of: line('update', 'leases'), counts: { leases: 1 }, reason: 'a leader lives by it' },
  'a review': { of: line('create', 'tokenreviews'), counts: { reads: 1 }, reason: 'it is stored nowhere' },
};

describe('API calls in an audit log', () => {
  for (const [name, { of, counts, reason }] of Object.entries(CALLS)) {
    it(`counts ${name} because ${reason}`, () => {
      const { kinds: _, ...calls } = callsOf([of]);
      assert.deepEqual(calls, { writes: 0, reads: 0, leases: 0, ...counts });
    });
  }

  it('names who did what how often', () => {
    const lines = [
      line('patch', 'services', 'status'),
      line('patch', 'services', 'status'),
      line('list', 'pods'),
    ];
    assert.deepEqual(callsOf(lines).kinds, {
      'homerun-controller patch services/status': 2,
      'homerun-controller list pods': 1,
    });
  });

  it('counts from where the log ended once, and leaves out a line that is not complete', () => {
    const folder = mkdtempSync(join(tmpdir(), 'homerun-audit-'));
    try {
      const log = new AuditLog(folder, 'homerun-system');
      const file = join(folder, 'audit.log');
      appendFileSync(file, `${line('create', 'events')}\n`);
      const { end } = log;
      appendFileSync(file, `${line('list', 'pods')}\n${line('patch', 'services').slice(0, 20)}`);
      const { reads, writes } = log.since(end);
      assert.deepEqual({ reads, writes }, { reads: 1, writes: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
