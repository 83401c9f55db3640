import { deepEqual, equal } from 'node:assert/strict';
import type { ResourceQuota } from '../../kube/core.ts';
import { hasRoom, shortageOf } from './quota.ts';

const MESSAGE =
  'pods "hello-00001-abc-d67c64787-x2x7p" is forbidden: exceeded quota: compute, requested: limits.memory=256Mi,pods=1, used: limits.memory=1Gi,pods=4, limited: limits.memory=1Gi,pods=4';

describe('shortageOf', () => {
  it('names the quota, and what one pod takes of it', () => {
    const requested = { 'limits.memory': '256Mi', pods: '1' };
    deepEqual(shortageOf(MESSAGE), { quota: 'compute', requested });
  });

  for (const message of ['failed quota: compute: must specify limits.cpu', 'exceeded quota', '']) {
    it(`finds none in ${JSON.stringify(message)}: only time tells`, () => {
      equal(shortageOf(message), undefined);
    });
  }
});

const CASES: Record<string, { reason: string; status?: ResourceQuota['status']; want: boolean }> = {
  'used up': {
    reason: 'one more pod is too many',
    status: { hard: { 'limits.memory': '1Gi', pods: '4' }, used: { 'limits.memory': '512Mi', pods: '4' } },
    want: false,
  },
  'used in part': {
    reason: 'the limit itself may be reached, in whatever units',
    status: { hard: { 'limits.memory': '1Gi', pods: '4' }, used: { 'limits.memory': '786432Ki', pods: '3' } },
    want: true,
  },
  raised: {
    reason: 'a resource without a limit has room',
    status: { hard: { pods: '5' }, used: { pods: '4' } },
    want: true,
  },
  'not counted yet': {
    reason: 'nothing is used',
    status: { hard: { 'limits.memory': '1Gi', pods: '4' } },
    want: true,
  },
  new: { reason: 'the API server has to say', want: true },
  strange: {
    reason: 'the API server has to say',
    status: { hard: { 'limits.memory': '1Gi', pods: 'many' }, used: { pods: '4' } },
    want: true,
  },
};

describe('hasRoom', () => {
  const shortage = shortageOf(MESSAGE);
  for (const [name, { reason, status, want }] of Object.entries(CASES)) {
    it(`a quota that is ${name}: ${reason}`, () => {
      equal(
        shortage &&
          hasRoom(shortage, {
            apiVersion: 'v1',
            kind: 'ResourceQuota',
            metadata: { name: 'compute' },
            status,
          }),
        want,
      );
    });
  }
});
