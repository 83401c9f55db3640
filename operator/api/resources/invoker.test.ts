import { deepEqual, equal } from 'node:assert/strict';
import type { KubeObject } from '../../kube/types.ts';
import { changesInvokerCheck, withInvoker } from './invoker.ts';

const KEY = 'homerun.dev/invoker';
const service = (annotations?: Record<string, string>) =>
  ({ metadata: { name: 'a', annotations } }) as KubeObject;

type Annotations = Record<string, string> | undefined;
const cases: Record<
  string,
  { reason: string; written: Annotations; stored?: Annotations | null; want: Annotations }
> = {
  'a new service': {
    reason: 'it is closed',
    written: { a: 'b' },
    stored: null,
    want: { a: 'b', [KEY]: 'restricted' },
  },
  'a new service that would be open': {
    reason: 'opening takes another right',
    written: { [KEY]: 'open' },
    stored: null,
    want: { [KEY]: 'restricted' },
  },
  'a manifest without it': {
    reason: 'it stays closed',
    written: {},
    stored: { [KEY]: 'restricted' },
    want: { [KEY]: 'restricted' },
  },
  'a service of kubectl': {
    reason: 'the chart decides about it',
    written: { [KEY]: 'restricted' },
    stored: {},
    want: {},
  },
};

describe('who may call a service written through the Admin API', () => {
  for (const [name, { reason, written, stored, want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const old = stored === null ? undefined : service(stored);
      deepEqual(withInvoker(service(written), old).metadata.annotations, want);
    });
  }
});

describe('whether a write changes the check of callers', () => {
  const OFF = { 'run.googleapis.com/invoker-iam-disabled': 'true' };
  const ON = { 'run.googleapis.com/invoker-iam-disabled': 'False' };
  const table: Record<string, { written: Annotations; stored?: Annotations | null; want: boolean }> = {
    'a new service with it off': { written: OFF, stored: null, want: true },
    'a new service': { written: {}, stored: null, want: false },
    'turned off': { written: { 'run.googleapis.com/invoker-iam-disabled': 'True' }, stored: {}, want: true },
    'turned on again': { written: ON, stored: OFF, want: true },
    'left out': { written: {}, stored: OFF, want: true },
    'as it was': { written: OFF, stored: OFF, want: false },
    'said what it is anyway': { written: ON, stored: {}, want: false },
  };
  for (const [name, { written, stored, want }] of Object.entries(table)) {
    it(`${name}: ${want}`, () => {
      const old = stored === null ? undefined : service(stored);
      equal(changesInvokerCheck(service(written), old), want);
    });
  }
});
