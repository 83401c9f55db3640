import assert from 'node:assert/strict';
import { ConfigSchema } from './config/schema.ts';
import { parseConfig } from './config.ts';
import { ROLE_FIELDS } from './roles.ts';

describe('configuration', () => {
  it('has a default for everything', () => {
    const config = parseConfig(undefined);
    assert.deepEqual(config, parseConfig({}));
    assert.equal(config.domain, 'localhost');
    assert.deepEqual(config.gateway, {
      port: 8080,
      internalService: 'homerun-gateway-internal',
      internalPort: 8081,
      tlsPort: 8443,
      tls: { secrets: [], namespace: '', redirect: true, publicPort: 443 },
      gatewayPort: 8082,
      threads: 0,
      drainSeconds: 600,
      accessLog: false,
      certificates: {
        namespace: '',
        issuer: { name: '', kind: 'ClusterIssuer', group: 'cert-manager.io' },
      },
      tracing: { endpoint: '', samplingRatio: 0 },
      limits: {
        connections: 10_000,
        connectionsPerAddress: 5000,
        http2Connections: 2000,
        tlsConnections: 4000,
        queue: 20_000,
        queuePerAddress: 5000,
        headerSeconds: 30,
        firstRequestSeconds: 60,
        lingerSeconds: 5,
        headerMebibytes: 48,
        requestMebibytes: 96,
        answerMebibytes: 96,
      },
    });
    assert.deepEqual(config.registry.skip, ['kind.local', 'ko.local', 'dev.local']);
    assert.equal(config.registry.caFile, undefined);
  });

  it('keeps what is given, and fills in what stands beside it', () => {
    const given = { gateway: { threads: 3 }, serviceAccounts: { 'a@b': 'a' }, registry: { skip: [] } };
    const { gateway, serviceAccounts, registry, logLevel } = parseConfig(given);
    assert.deepEqual([gateway.threads, gateway.port, logLevel], [3, 8080, 'info']);
    assert.deepEqual(serviceAccounts, { 'a@b': 'a' });
    assert.deepEqual(registry.skip, []);
    assert.deepEqual(given.gateway, { threads: 3 }, 'the input stays as it is');
  });

  it('shares no default between two configurations', () => {
    parseConfig({}).registry.skip.push('mine.local');
    assert.equal(parseConfig({}).registry.skip.length, 3);
  });

  it('has no field that no role reads', () => {
    const read = new Set<string>(Object.values(ROLE_FIELDS).flat());
    const unread = Object.entries(ConfigSchema.properties).flatMap(([name, section]) => {
      if (read.has(name)) return [];
      const { properties = {} } = section as { properties?: object };
      const fields = Object.keys(properties).map((field) => `${name}.${field}`);
      return fields.length > 0 ? fields.filter((path) => !read.has(path)) : [name];
    });
    assert.deepEqual(unread, []);
  });

  const faults: Record<string, { input: unknown; message: RegExp }> = {
    'a number out of range': {
      input: { gateway: { port: 0 } },
      message: /^configuration\.gateway\.port: is 0; it must be .* from 1 to 65535$/,
    },
    'a text for a number': {
      input: { autoscaler: { idleSeconds: '15' } },
      message: /^configuration\.autoscaler\.idleSeconds: is "15"; it must be a number/,
    },
    'an unknown level': {
      input: { logLevel: 'loud' },
      message: /^configuration\.logLevel: is "loud"; it must be one of trace, debug, info, warn, error$/,
    },
    'a text that does not fit its pattern': {
      input: { metadata: { region: 'Europe' } },
      message: /^configuration\.metadata\.region: is "Europe"; it must match/,
    },
    'an endpoint that is no URL': {
      input: { gateway: { tracing: { endpoint: 'otel-collector:4318' } } },
      message: /^configuration\.gateway\.tracing\.endpoint: is "otel-collector:4318"; it must match/,
    },
    'an endpoint with a password, which the log would show': {
      input: { gateway: { tracing: { endpoint: 'https://me:secret@collector' } } },
      message: /^configuration\.gateway\.tracing\.endpoint: /,
    },
    'a part that is no map': {
      input: { gateway: [] },
      message: /^configuration\.gateway: is \[\]; it must be a map$/,
    },
    nothing: { input: { domain: null }, message: /^configuration\.domain: is null; it must be a text$/ },
    'an entry of a map': {
      input: { metadata: { projectNumbers: { a: 'x' } } },
      message: /^configuration\.metadata\.projectNumbers\[a\]: is "x"; it must match/,
    },
    'an item without what it must have': {
      input: { gatewayApi: { parentRefs: [{ namespace: 'infra' }] } },
      message: /^configuration\.gatewayApi\.parentRefs\[0\]\.name: must be set$/,
    },
    'a field that there is not': {
      input: { gatway: {} },
      message: /^configuration\.gatway: there is no such field$/,
    },
    'an issuer over plain HTTP, in the API': {
      input: { api: { issuers: [{ issuer: 'http://dex.auth', audiences: ['cli'] }] } },
      message:
        /^configuration\.api\.issuers\[0\]\.issuer: is "http:\/\/dex\.auth"; .*; use https: over plain/,
    },
    'an issuer over plain HTTP, at the gateways': {
      input: { invoker: { issuers: [{ issuer: 'http://localhost.example.com/a' }] } },
      message: /^configuration\.invoker\.issuers\[0\]\.issuer: is "http:.*; use https: over plain HTTP/,
    },
    'an issuer that is no URL': {
      input: { api: { issuers: [{ issuer: 'dex.auth', audiences: ['cli'] }] } },
      message: /^configuration\.api\.issuers\[0\]\.issuer: is "dex\.auth"; it must match [^;]*$/,
    },
    'a text': { input: 'x', message: /^configuration: is "x"; it must be a map$/ },
  };
  it('takes issuers over HTTPS, and over HTTP on the same host', () => {
    const issuers = [
      'https://a.example.com/b',
      'http://127.0.0.1:8080',
      'http://localhost/a',
      'http://[::1]:1',
    ];
    const given = { invoker: { issuers: issuers.map((issuer) => ({ issuer })) } };
    assert.deepEqual(parseConfig(given).invoker.issuers, given.invoker.issuers);
  });

  for (const [name, { input, message }] of Object.entries(faults)) {
    it(`refuses ${name}`, () => assert.throws(() => parseConfig(input), { code: 'CONFIG_INVALID', message }));
  }
});
