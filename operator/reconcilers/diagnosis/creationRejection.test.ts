import { deepEqual } from 'node:assert/strict';
import { explainRejection } from './creationRejection.ts';

const missing =
  'pods "hello-00001-abc-d67c64787-" is forbidden: error looking up service account shop/worker: serviceaccount "worker" not found';

const CASES: Record<string, { reason: string; message: string; declared?: string; want: [string, string] }> =
  {
    'a service identity is missing': {
      reason: 'the message names which one, where, and how to make it',
      message: missing,
      declared: 'worker@shop.iam.gserviceaccount.com',
      want: [
        'ServiceAccountMissing',
        `ServiceAccount 'worker', which serviceAccountName "worker@shop.iam.gserviceaccount.com" stands for, does not exist in namespace 'shop'. Create it with: kubectl create serviceaccount worker --namespace shop`,
      ],
    },
    'a named ServiceAccount is missing': {
      reason: 'a name needs no explanation',
      message: missing,
      declared: 'worker',
      want: [
        'ServiceAccountMissing',
        "ServiceAccount 'worker' does not exist in namespace 'shop'. Create it with: kubectl create serviceaccount worker --namespace shop",
      ],
    },
    'no quota is left': {
      reason: 'the cluster’s own words are clear enough',
      message: 'exceeded quota: compute',
      want: ['FailedCreate', 'The cluster rejects instances: exceeded quota: compute'],
    },
  };

describe('explainRefusal', () => {
  for (const [name, { reason, message, declared, want }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const rejection = explainRejection({ reason: 'FailedCreate', message }, declared);
      deepEqual([rejection.reason, rejection.message], want);
    });
  }
});
