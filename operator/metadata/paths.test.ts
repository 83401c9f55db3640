import { deepEqual, equal, match } from 'node:assert/strict';
import fc from 'fast-check';
import { type Facts, isPublic, resolvePath } from './paths.ts';

const EMAIL = 'worker@shop.iam.gserviceaccount.com';
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const facts: Facts = {
  projectId: 'shop',
  projectNumber: '123456789012',
  region: 'local-cluster1',
  instanceId: '00abc',
  email: EMAIL,
  scopes: [SCOPE],
};
const account = { aliases: ['default'], email: EMAIL, scopes: [SCOPE] };
const instance = {
  id: '00abc',
  region: 'projects/123456789012/regions/local-cluster1',
  serviceAccounts: { default: account, [EMAIL]: account },
  zone: 'projects/123456789012/zones/local-cluster1-1',
};
const project = { numericProjectId: 123456789012, projectId: 'shop' };

/** Path below /computeMetadata/v1/ unless it begins with a slash -> reason, and the text or what else comes. */
const TEXTS: Record<string, [reason: string, body: string]> = {
  '/': ['clients ask it to find out where they are', 'computeMetadata/\n'],
  '/computeMetadata/': ['one version', 'v1/\n'],
  '': ['a listing', 'instance/\nproject/\n'],
  'project/': ['a listing', 'numeric-project-id\nproject-id\n'],
  'project/project-id': ['no newline: clients take it as it is', 'shop'],
  'project/numeric-project-id': ['the number', '123456789012'],
  'instance/': ['what Cloud Run has of an instance', 'id\nregion\nservice-accounts/\nzone\n'],
  'instance/id': ['the instance', '00abc'],
  'instance/region': ['the region in its project', 'projects/123456789012/regions/local-cluster1'],
  'instance/zone': ['always REGION-1', 'projects/123456789012/zones/local-cluster1-1'],
  'instance/service-accounts/': ['both names of the one account', `default/\n${EMAIL}/\n`],
  'instance/service-accounts/default/': ['a listing', 'aliases\nemail\nidentity\nscopes\ntoken\n'],
  'instance/service-accounts/default/email': ['the address', EMAIL],
  'instance/service-accounts/default/aliases': ['one a line', 'default\n'],
  'instance/service-accounts/default/scopes': ['one a line', `${SCOPE}\n`],
  [`instance/service-accounts/${EMAIL}/email`]: ['the account by its address', EMAIL],
  'instance/service-accounts/worker%40shop.iam.gserviceaccount.com/email': ['an @ may be escaped', EMAIL],
  'project/?recursive=true&alt=text': [
    'a line for each value',
    'numeric-project-id 123456789012\nproject-id shop\n',
  ],
  'project/project-id?recursive=true': ['a value is no directory', 'shop'],
};

const JSONS: Record<string, [reason: string, body: unknown]> = {
  '?recursive=true': ['everything but the tokens', { instance, project }],
  'instance/?recursive=true&alt=json': ['the part below', instance],
  'instance/service-accounts/?recursive=true': ['addresses stay as they are', instance.serviceAccounts],
  'instance/service-accounts/default/?recursive=true': ['how Python asks for an account', account],
  'project/?alt=json': ['a listing as JSON', ['numeric-project-id', 'project-id']],
  'project/numeric-project-id?alt=json': ['a number', 123456789012],
  'instance/service-accounts/default/scopes?alt=json': ['a list', [SCOPE]],
};

const REDIRECTS: Record<string, [reason: string, location: string]> = {
  '/computeMetadata': ['a directory', '/computeMetadata/'],
  '/computeMetadata/v1': ['a directory', '/computeMetadata/v1/'],
  instance: ['Node’s library asks so to find the server', '/computeMetadata/v1/instance/'],
  'instance/service-accounts/default?recursive=true': [
    'the query goes along',
    '/computeMetadata/v1/instance/service-accounts/default/?recursive=true',
  ],
};

const REJECTED: Record<string, [reason: string, status: number, message: RegExp]> = {
  '/latest/meta-data/': ['another cloud’s', 404, /latest\/meta-data/],
  '/computeMetadata/v1beta1/': ['gone on the real one too', 404, /v1beta1/],
  'instance/attributes/': ['Cloud Run has none; clients tell GKE by them', 404, /attributes/],
  'instance/id/': ['a value is no directory', 404, /id\//],
  'instance//id': ['a path with an empty part', 404, /id/],
  'instance/constructor': ['no property of objects', 404, /constructor/],
  'instance/service-accounts/other@shop.iam.gserviceaccount.com/email': [
    'never another account',
    404,
    /other@/,
  ],
  'project/project-id?wait_for_change=true': [
    'answering at once would make clients ask in a loop',
    400,
    /wait_for_change/,
  ],
  'instance/service-accounts/default/identity': ['for whom?', 400, /non-empty audience/],
  'instance/service-accounts/default/identity?audience=': ['for whom?', 400, /non-empty audience/],
  'instance/service-accounts/default/identity?audience=x&format=jwt': ['a choice', 400, /"jwt"/],
  [`instance/service-accounts/default/identity?audience=${'x'.repeat(2049)}`]: ['bounded', 400, /2049/],
};

function ask(path: string) {
  const url = new URL(path.startsWith('/') ? path : `/computeMetadata/v1/${path}`, 'http://metadata');
  return resolvePath(decodeURIComponent(url.pathname), url.searchParams, facts);
}

describe('resolvePath', () => {
  for (const [path, [reason, body]] of Object.entries(TEXTS)) {
    it(`${path || '(version)'}: ${reason}`, () => {
      const answer = ask(path);
      const { type, body: given } = answer as { type: string; body: string };
      deepEqual([type, given], ['text', body]);
    });
  }

  for (const [path, [reason, body]] of Object.entries(JSONS)) {
    it(`${path}: ${reason}`, () => {
      const { type, body: given } = ask(path) as { type: string; body: string };
      equal(type, 'json');
      deepEqual(JSON.parse(given), body);
    });
  }

  for (const [path, [reason, location]] of Object.entries(REDIRECTS)) {
    it(`${path}: ${reason}`, () => {
      deepEqual(ask(path), { kind: 'directory', status: 301, location });
    });
  }

  for (const [path, [reason, status, message]] of Object.entries(REJECTED)) {
    it(`${path.slice(0, 80)}: ${reason}`, () => {
      const answer = ask(path) as { status: number; message: string };
      equal(answer.status, status);
      match(answer.message, message);
    });
  }

  it('takes audience and scopes from the query', () => {
    const path = 'instance/service-accounts/default';
    deepEqual(ask(`${path}/identity?audience=https://a.example&format=full`), {
      kind: 'identity',
      audience: 'https://a.example',
    });
    deepEqual(ask(`${path}/token`), { kind: 'token', scopes: [] });
    deepEqual(ask(`${path}/token?scopes=b,a,b`), { kind: 'token', scopes: ['a', 'b'] });
    deepEqual(ask(`${path}/token?scopes=a%20b`), { kind: 'token', scopes: ['a', 'b'] });
  });

  it('requires no header where the answer is the same for all callers', () => {
    deepEqual(['/', '/computeMetadata/', '/computeMetadata/v1/', '/x'].map(isPublic), [
      true,
      true,
      false,
      false,
    ]);
  });

  it('has an answer for every path', () => {
    const part = fc.oneof(
      fc.constantFrom('', 'computeMetadata', 'v1', 'instance', 'service-accounts', 'default', 'token', '..'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(part), fc.webQueryParameters(), (parts, query) => {
        const answer = resolvePath(`/${parts.join('/')}`, new URLSearchParams(query), facts);
        equal('kind' in answer, true);
      }),
    );
  });
});
