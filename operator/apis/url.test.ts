import assert from 'node:assert/strict';
import { parseConfig } from '../config.ts';
import { addressOf, hostsOf, urlOf } from './url.ts';

const config = parseConfig({ domain: 'run.example.com' });
const hello = { name: 'hello', namespace: 'demo' };

describe('url', () => {
  it('puts service and namespace before the domain', () => {
    assert.equal(urlOf(config, hello), 'http://hello.demo.run.example.com');
  });

  it('puts a tag with three dashes before the service', () => {
    assert.equal(urlOf(config, hello, 'blue'), 'http://blue---hello.demo.run.example.com');
  });

  it('uses the scheme and template of the chart values', () => {
    const other = parseConfig({
      urlScheme: 'https',
      urlTemplate: '{tag.}{service}-{namespace}.{domain}',
      domain: 'x.org',
    });
    assert.equal(urlOf(other, hello), 'https://hello-demo.x.org');
    assert.equal(urlOf(other, hello, 'blue'), 'https://blue.hello-demo.x.org');
  });

  it('answers inside the cluster by the names that its DNS gives out', () => {
    assert.deepEqual(hostsOf(config, hello), {
      external: 'hello.demo.run.example.com',
      internal: ['hello.demo', 'hello.demo.svc', 'hello.demo.svc.cluster.local'],
    });
    assert.equal(addressOf(config, hello), 'http://hello.demo.svc.cluster.local');
  });

  it('distinguishes tags inside the cluster as well', () => {
    assert.deepEqual(hostsOf(config, hello, 'blue').internal, [
      'blue---hello.demo',
      'blue---hello.demo.svc',
      'blue---hello.demo.svc.cluster.local',
    ]);
  });
});
