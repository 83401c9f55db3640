import assert from 'node:assert/strict';
import { validateConnections } from './connectionRules.ts';

const SQL = 'run.googleapis.com/cloudsql-instances';
const CONNECTOR = 'run.googleapis.com/vpc-access-connector';
const INTERFACES = 'run.googleapis.com/network-interfaces';
const KEY = 'run.googleapis.com/encryption-key';
const REVOCATION = 'run.googleapis.com/post-key-revocation-action-type';
const SOUND_KEY = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';

interface Case {
  annotations: Record<string, string>;
  errors?: [key: string, message: RegExp][];
  reason: string;
}

const CASES: Record<string, Case> = {
  'two databases': { annotations: { [SQL]: 'p:r:a, p:r:b' }, reason: 'with a comma between' },
  'a database of a project with a domain': {
    annotations: { [SQL]: 'example.com:p:r:i' },
    reason: 'such projects are there',
  },
  'a database by its name alone': {
    annotations: { [SQL]: 'bad' },
    errors: [[SQL, /is "bad"; it must be PROJECT:REGION:INSTANCE/]],
    reason: 'the API rejects it',
  },
  'an interface': { annotations: { [INTERFACES]: '[{"network":"default"}]' }, reason: 'as gcloud writes it' },
  'an interface beside a connector': {
    annotations: { [INTERFACES]: '[{"network":"default"}]', [CONNECTOR]: 'c' },
    errors: [[INTERFACES, /must not be set together with run\.googleapis\.com\/vpc-access-connector/]],
    reason: 'the API rejects it',
  },
  'two interfaces': {
    annotations: { [INTERFACES]: '[{"network":"a"},{"subnetwork":"b"}]' },
    errors: [[INTERFACES, /has 2 interfaces; it may have at most 1/]],
    reason: 'the API rejects it',
  },
  'an interface to nowhere': {
    annotations: { [INTERFACES]: '[{}]' },
    errors: [[INTERFACES, /must name a network or a subnetwork/]],
    reason: 'the API rejects it',
  },
  'no JSON': { annotations: { [INTERFACES]: '[' }, reason: 'the rule of the annotation reports it' },
  'a key': {
    annotations: { [KEY]: SOUND_KEY, [REVOCATION]: 'shut-down' },
    reason: 'with what happens without it',
  },
  'a key by its name alone': {
    annotations: { [KEY]: 'bad' },
    errors: [[KEY, /is "bad"; it must be projects\/PROJECT\/locations/]],
    reason: 'the API rejects it',
  },
  'a shut-down without a key': {
    annotations: { [REVOCATION]: 'shut-down' },
    errors: [[REVOCATION, /has no effect without run\.googleapis\.com\/encryption-key/]],
    reason: 'the API rejects it',
  },
};

describe('annotations for networks, databases and keys', () => {
  for (const [name, { annotations, errors: expected = [], reason }] of Object.entries(CASES)) {
    it(`${expected.length === 0 ? 'may be' : 'in strict mode may not be'} ${name}: ${reason}`, () => {
      const errors = validateConnections(annotations, 'a');
      assert.deepEqual(
        errors.map(({ path }) => path),
        expected.map(([key]) => `a[${key}]`),
      );
      for (const [i, [, message]] of expected.entries()) assert.match(errors[i]?.message ?? '', message);
      assert.ok(errors.every(({ strict }) => strict));
    });
  }
});
