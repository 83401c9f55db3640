import { equal } from 'node:assert/strict';
import { DOMAIN_MAPPINGS } from '../../apis/domains/domainMapping/types.ts';
import { EXECUTIONS } from '../../apis/run/execution/types.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { WORKER_POOLS } from '../../apis/run/workerPool/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { CORE_SERVICES } from '../../kube/core.ts';
import type { ResourceType } from '../../kube/types.ts';
import { serviceIdentityOf } from './serviceIdentity.ts';

const CONFIG = { serviceAccounts: { 'billing@central.iam.gserviceaccount.com': 'runner' } };

const withTemplate = (spec: unknown) => ({ spec: { template: { spec } } });
const named = (serviceAccountName: unknown) => withTemplate({ serviceAccountName });

interface Case {
  type: ResourceType;
  object: unknown;
  want: string | undefined;
  reason: string;
}

const cases: Record<string, Case> = {
  'a service': { type: SERVICES, object: named('web'), want: 'web', reason: 'its revisions run as it' },
  'a worker pool': {
    type: WORKER_POOLS,
    object: named('web'),
    want: 'web',
    reason: 'its revisions run as it',
  },
  'a job': {
    type: JOBS,
    object: withTemplate({ template: { spec: { serviceAccountName: 'nightly' } } }),
    want: 'nightly',
    reason: 'its template is that of an execution, which has one of tasks',
  },
  'an address': {
    type: SERVICES,
    object: named('web@demo.iam.gserviceaccount.com'),
    want: 'web',
    reason: 'it stands for the account',
  },
  'an address of the values': {
    type: SERVICES,
    object: named('billing@central.iam.gserviceaccount.com'),
    want: 'runner',
    reason: 'the chart says for which account it stands',
  },
  "Google's default account": {
    type: SERVICES,
    object: named('123-compute@developer.gserviceaccount.com'),
    want: 'default',
    reason: 'an exported service names it',
  },
  'no account': {
    type: SERVICES,
    object: withTemplate({}),
    want: 'default',
    reason: 'instances run as it then',
  },
  'an empty one': { type: SERVICES, object: named(''), want: 'default', reason: 'it is none' },
  'an account that is no text': {
    type: SERVICES,
    object: named({ name: 'web' }),
    want: 'default',
    reason: 'the schema refuses it',
  },
  'a template that is none': {
    type: SERVICES,
    object: { spec: { template: null } },
    want: 'default',
    reason: 'the schema refuses it',
  },
  'nothing at all': { type: JOBS, object: undefined, want: 'default', reason: 'a client may send it' },
  'an execution': {
    type: EXECUTIONS,
    object: named('web'),
    want: undefined,
    reason: 'to run a job takes no more than that (Cloud Run, Execute jobs)',
  },
  'a domain mapping': { type: DOMAIN_MAPPINGS, object: {}, want: undefined, reason: 'nothing runs' },
  "a Service of Kubernetes'": {
    type: CORE_SERVICES,
    object: {},
    want: undefined,
    reason: 'it is another kind',
  },
};

describe('the identity of what is deployed', () => {
  for (const [name, { type, object, want, reason }] of Object.entries(cases)) {
    it(`${name}: ${want}`, () => equal(serviceIdentityOf(type, object, CONFIG), want, reason));
  }
});
