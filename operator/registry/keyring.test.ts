import { deepEqual, equal } from 'node:assert/strict';
import { credentialsFor, makeKeyring, type PullSecret, patternMatches } from './keyring.ts';
import { pullSecret } from './testing/registry.ts';

describe('patternMatches', () => {
  const cases: Record<string, { reason: string; pattern: string; target: string; want: boolean }> = {
    host: {
      reason: 'a bare host covers every repository in it',
      pattern: 'registry.example.com',
      target: 'registry.example.com/team/app',
      want: true,
    },
    'other host': {
      reason: 'another host is another registry',
      pattern: 'registry.example.com',
      target: 'registry.example.org/team/app',
      want: false,
    },
    port: {
      reason: 'the same port is needed on both sides',
      pattern: 'registry.example.com:5000',
      target: 'registry.example.com:5000/app',
      want: true,
    },
    'port missing in the pattern': {
      reason: 'a port is part of the registry',
      pattern: 'registry.example.com',
      target: 'registry.example.com:5000/app',
      want: false,
    },
    path: {
      reason: 'a path covers what lies below it',
      pattern: 'registry.example.com/team',
      target: 'registry.example.com/team/app',
      want: true,
    },
    'other path': {
      reason: 'a path does not cover its siblings',
      pattern: 'registry.example.com/team',
      target: 'registry.example.com/other/app',
      want: false,
    },
    'path prefix inside a name': {
      reason: 'the kubelet compares text, and the digest must not be stricter than the pull',
      pattern: 'registry.example.com/te',
      target: 'registry.example.com/team/app',
      want: true,
    },
    wildcard: {
      reason: 'a star stands for one label',
      pattern: '*.example.com',
      target: 'eu.example.com/app',
      want: true,
    },
    'wildcard over two labels': {
      reason: 'a star never crosses a dot',
      pattern: '*.example.com',
      target: 'a.eu.example.com/app',
      want: false,
    },
    'wildcard within a label': {
      reason: 'a star may be a part of a label',
      pattern: 'eu-*-docker.pkg.dev',
      target: 'eu-west1-docker.pkg.dev/p/app',
      want: true,
    },
    'two wildcards': {
      reason: 'several stars in one label',
      pattern: '*-*.example.com',
      target: 'a-b-c.example.com/app',
      want: true,
    },
    'single character': {
      reason: 'a question mark is exactly one character',
      pattern: 'r?.example.com',
      target: 'r10.example.com/app',
      want: false,
    },
    'character class': {
      reason: 'a class is one of its characters',
      pattern: 'r[0-9].example.com',
      target: 'r1.example.com/app',
      want: true,
    },
    'broken class': {
      reason: 'what is no pattern matches nothing and throws nothing',
      pattern: 'r[9-0].example.com',
      target: 'r1.example.com/app',
      want: false,
    },
    'regular expression characters': {
      reason: 'only the wildcards are special',
      pattern: 'a+b.example.com',
      target: 'aab.example.com/app',
      want: false,
    },
    'hostile pattern': {
      reason: 'many stars cost no more than a few',
      pattern: `${'*a'.repeat(60)}b.example.com`,
      target: `${'a'.repeat(63)}.example.com/app`,
      want: false,
    },
  };
  for (const [name, { reason, pattern, target, want }] of Object.entries(cases)) {
    it(name, () => equal(patternMatches(pattern, target), want, reason));
  }
});

describe('makeKeyring', () => {
  const secretOf = (data: Record<string, string>): PullSecret => ({ name: 'regcred', data });
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  it('reads username and password', () => {
    const { entries } = makeKeyring([
      pullSecret('regcred', { 'r.example': { username: 'ann', password: 'pw' } }),
    ]);
    deepEqual(
      entries.map(({ pattern, credential }) => [pattern, credential.username, credential.password]),
      [['r.example', 'ann', 'pw']],
    );
  });

  it('reads auth, which wins over the two fields and may hold colons in the password', () => {
    const entry = { username: 'x', password: 'y', auth: base64('ann:p:w') };
    const [found] = makeKeyring([pullSecret('regcred', { 'r.example': entry })]).entries;
    deepEqual([found?.credential.username, found?.credential.password], ['ann', 'p:w']);
  });

  it('reads identity and registry tokens', () => {
    const auths = { 'r.example': { identitytoken: 'refresh', registrytoken: 'bearer' } };
    const [found] = makeKeyring([pullSecret('regcred', auths)]).entries;
    deepEqual([found?.credential.identityToken, found?.credential.registryToken], ['refresh', 'bearer']);
  });

  it('reads the older .dockercfg', () => {
    const legacy = base64(JSON.stringify({ 'r.example': { auth: base64('ann:pw') } }));
    const { entries, problems } = makeKeyring([secretOf({ '.dockercfg': legacy })]);
    deepEqual([entries[0]?.credential.username, problems], ['ann', []]);
  });

  it('drops scheme and protocol version from the key', () => {
    const keys = ['https://r.example/v2/', 'http://q.example/v1/team', 'p.example/'];
    const auths = Object.fromEntries(keys.map((key) => [key, { username: 'ann', password: 'pw' }]));
    deepEqual(
      makeKeyring([pullSecret('regcred', auths)]).entries.map((entry) => entry.pattern),
      ['r.example', 'q.example/team', 'p.example'],
    );
  });

  const broken: Record<string, { reason: string; data: Record<string, string>; want: string }> = {
    'no key': {
      reason: 'a secret of another kind was named',
      data: { token: base64('x') },
      want: 'secret "regcred" holds neither .dockerconfigjson nor .dockercfg',
    },
    'no JSON': {
      reason: 'a value that was cut',
      data: { '.dockerconfigjson': base64('{"auths":') },
      want: 'secret "regcred" is not JSON',
    },
    'no auths': {
      reason: 'only a credential helper is configured, which a cluster does not have',
      data: { '.dockerconfigjson': base64('{"credsStore":"desktop"}') },
      want: 'secret "regcred" has no "auths"',
    },
    'null entries': {
      reason: 'valid JSON may still hold nothing',
      data: { '.dockerconfigjson': base64('null') },
      want: 'secret "regcred" has no "auths"',
    },
  };
  for (const [name, { reason, data, want }] of Object.entries(broken)) {
    it(`notes a problem: ${name}`, () => deepEqual(makeKeyring([secretOf(data)]).problems, [want], reason));
  }

  it('notes secrets that are missing', () => {
    deepEqual(makeKeyring([], ['secret "gone" does not exist']).problems, ['secret "gone" does not exist']);
  });

  it('ignores entries that are no objects or say nothing', () => {
    const auths = { 'a.example': null, 'b.example': 'text', 'c.example': {} } as unknown as Record<
      string,
      object
    >;
    deepEqual(makeKeyring([pullSecret('regcred', auths)]).entries, []);
  });
});

describe('credentialsFor', () => {
  const login = (username: string) => ({ username, password: 'pw' });
  const usersFor = (auths: Record<string, object>, registry: string, repository: string) =>
    credentialsFor(makeKeyring([pullSecret('regcred', auths)]), { registry, repository }).map(
      (credential) => credential.username,
    );

  it('puts the most specific pattern first', () => {
    const auths = {
      'r.example': login('any'),
      'r.example/team': login('team'),
      'r.example/team/app': login('app'),
    };
    deepEqual(usersFor(auths, 'r.example', 'team/app'), ['app', 'team', 'any']);
  });

  it('gives nothing for another registry', () => {
    deepEqual(usersFor({ 'r.example': login('any') }, 'q.example', 'app'), []);
  });

  it("knows Docker Hub's old key", () => {
    const auths = { 'https://index.docker.io/v1/': login('hub') };
    deepEqual(usersFor(auths, 'docker.io', 'library/nginx'), ['hub']);
  });

  it("prefers docker.io itself to Docker Hub's old key", () => {
    const auths = { 'https://index.docker.io/v1/': login('old'), 'docker.io': login('new') };
    deepEqual(usersFor(auths, 'docker.io', 'library/nginx'), ['new']);
  });
});
