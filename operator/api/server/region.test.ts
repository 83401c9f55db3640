import { doesNotThrow, equal, throws } from 'node:assert/strict';
import { namespaceOf } from '../projects.ts';
import { checkRegion, regionOfHost } from './region.ts';

describe('region and project of a request', () => {
  const hosts: [host: string | undefined, own: string, region: string | undefined, reason: string][] = [
    ['europe-west1-run.googleapis.com:443', '', 'europe-west1', "a region of Google's endpoint"],
    ['run.googleapis.com', '', undefined, 'the global endpoint'],
    ['Local-Run.Example.Test:8443', 'run.example.test', 'local', 'names are case-insensitive'],
    ['run.example.test', 'run.example.test', undefined, 'the global endpoint of our own'],
    ['logging.googleapis.com', 'run.example.test', undefined, 'another API'],
    ['127.0.0.1:8443', '', undefined, 'an address'],
    [undefined, '', undefined, 'HTTP/1.0'],
  ];
  for (const [host, own, region, reason] of hosts) {
    it(`takes ${host} for ${region}: ${reason}`, () => equal(regionOfHost(host, own), region));
  }

  const config = { api: { host: 'run.example.test' }, metadata: { region: 'local' } };
  const checks: [host: string, location: string | undefined, allowed: boolean][] = [
    ['local-run.example.test', 'local', true],
    ['run.example.test', '-', true],
    ['run.example.test', undefined, true],
    ['run.example.test', 'europe-west1', false],
    ['europe-west1-run.example.test', undefined, false],
    ['europe-west1-run.example.test', 'local', false],
  ];
  for (const [host, location, allowed] of checks) {
    it(`${allowed ? 'answers' : 'refuses'} ${host} with the location ${location}`, () => {
      (allowed ? doesNotThrow : throws)(() => checkRegion(host, location, config));
    });
  }

  const projects: [project: string, template: string, namespaces: string[], namespace: string | undefined][] =
    [
      ['demo', '{namespace}', [], 'demo'],
      ['acme-demo-1', 'acme-{namespace}-1', [], 'demo'],
      ['demo', 'acme-{namespace}', [], 'demo'],
      ['demo', '{namespace}', ['other'], undefined],
      ['demo', '{namespace}', ['other', 'demo'], 'demo'],
      ['..', '{namespace}', [], undefined],
      ['a/b', '{namespace}', [], undefined],
      ['Demo', '{namespace}', [], undefined],
      ['', '{namespace}', [], undefined],
    ];
  for (const [project, projectId, namespaces, namespace] of projects) {
    it(`takes project ${JSON.stringify(project)} with ${projectId} and ${namespaces} for ${namespace}`, () => {
      const attempt = () => namespaceOf(project, { namespaces, metadata: { projectId } });
      if (namespace === undefined) throws(attempt);
      else equal(attempt(), namespace);
    });
  }
});
