import { equal, match } from 'node:assert/strict';
import fc from 'fast-check';
import {
  instanceId,
  kubernetesServiceAccount,
  projectId,
  projectNumber,
  serviceAccountEmail,
} from './identity.ts';

const project = { id: 'shop', number: '123456789012' };
const mapping = {
  'billing@central.iam.gserviceaccount.com': 'billing-runner',
  'db@shop.iam.gserviceaccount.com': 'database',
  'db@other.iam.gserviceaccount.com': 'database',
  '123456789012-compute@developer.gserviceaccount.com': 'runner',
};

interface Case {
  reason: string;
  name: string | undefined;
  mapped?: boolean;
  account: string | undefined;
  /** What a program then sees as its own address; left out where the way back is not unique. */
  email?: string;
}

const CASES: Record<string, Case> = {
  nothing: { reason: 'Kubernetes chooses default', name: undefined, account: undefined },
  'empty name': { reason: 'an empty field is none', name: '', account: undefined },
  'plain name': {
    reason: 'a name is the name of a ServiceAccount',
    name: 'worker',
    account: 'worker',
    email: 'worker@shop.iam.gserviceaccount.com',
  },
  address: {
    reason: 'the account before the @, in the own namespace',
    name: 'worker@shop.iam.gserviceaccount.com',
    account: 'worker',
    email: 'worker@shop.iam.gserviceaccount.com',
  },
  'address of another project': {
    reason: 'an identity of elsewhere cannot be had here: it becomes the one of the same name',
    name: 'worker@elsewhere.iam.gserviceaccount.com',
    account: 'worker',
    email: 'worker@shop.iam.gserviceaccount.com',
  },
  'default of Compute Engine': {
    reason: 'exported YAML names it when no account was chosen',
    name: '123456789012-compute@developer.gserviceaccount.com',
    account: 'default',
    email: '123456789012-compute@developer.gserviceaccount.com',
  },
  'default of App Engine': {
    reason: 'older projects have this one',
    name: 'shop@appspot.gserviceaccount.com',
    account: 'default',
    email: '123456789012-compute@developer.gserviceaccount.com',
  },
  'mapped address': {
    reason: 'the chart says what it stands for, and the program sees it',
    name: 'billing@central.iam.gserviceaccount.com',
    mapped: true,
    account: 'billing-runner',
    email: 'billing@central.iam.gserviceaccount.com',
  },
  'two addresses for one account': {
    reason: 'the one of the own project is shown',
    name: 'db@other.iam.gserviceaccount.com',
    mapped: true,
    account: 'database',
    email: 'db@shop.iam.gserviceaccount.com',
  },
  'mapped default': {
    reason: 'the chart goes before the rule',
    name: '123456789012-compute@developer.gserviceaccount.com',
    mapped: true,
    account: 'runner',
    email: '123456789012-compute@developer.gserviceaccount.com',
  },
  'name of a property of every object': {
    reason: 'only what the chart lists is mapped',
    name: 'constructor',
    mapped: true,
    account: 'constructor',
    email: 'constructor@shop.iam.gserviceaccount.com',
  },
};

describe('service identity', () => {
  for (const [title, { reason, name, mapped, account, email }] of Object.entries(CASES)) {
    it(`${title}: ${reason}`, () => {
      const config = { serviceAccounts: mapped ? mapping : {} };
      equal(kubernetesServiceAccount(name, config), account);
      if (account && email) equal(serviceAccountEmail(account, project, config), email);
    });
  }

  it('names a project after its namespace', () => {
    equal(projectId('{namespace}', 'shop'), 'shop');
    equal(projectId('acme-{namespace}-eu', 'shop'), 'acme-shop-eu');
    equal(projectId('acme', 'shop'), 'acme');
  });

  it('makes numbers of projects and instances that look like Google’s and depend on the UID alone', () => {
    fc.assert(
      fc.property(fc.uuid(), (uid) => {
        match(projectNumber(uid), /^[1-9][0-9]{11}$/);
        match(instanceId(uid), /^00[0-9a-f]{128}$/);
        equal(projectNumber(uid), projectNumber(uid));
        equal(instanceId(uid), instanceId(uid));
      }),
    );
  });
});
