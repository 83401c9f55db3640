import assert from 'node:assert/strict';
import { kubectl, revisionsOf, serviceReady } from '../lib/cluster.ts';
import { applyService, helloService, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';

interface Case {
  reason: string;
  /** Under `spec` of the service. */
  spec: string;
  refusal: RegExp;
}

const containers = 'containers: [{image: registry.kube-system.svc/hello:1}]';
const CASES: Record<string, Case> = {
  'unknown-field': {
    reason: 'a misspelt field is named with its path',
    spec: `{template: {spec: {${containers}, timeoutSecond: 5}}}`,
    refusal: /spec\.template\.spec\.timeoutSecond/,
  },
  'wrong-type': {
    reason: 'a value of the wrong type is named with its path',
    spec: `{template: {spec: {${containers}, timeoutSeconds: soon}}}`,
    refusal: /spec\.template\.spec\.timeoutSeconds/,
  },
  'out-of-range': {
    reason: 'a value beyond the limit is reported with the limit',
    spec: `{template: {spec: {${containers}, timeoutSeconds: 3601}}}`,
    refusal: /timeoutSeconds.*3600/s,
  },
  'traffic-sum': {
    reason: 'shares that do not sum to 100 are refused',
    spec: `{template: {spec: {${containers}}}, traffic: [{latestRevision: true, percent: 90}]}`,
    refusal: /100/,
  },
  'image-malformed': {
    reason: 'an image that does not parse is quoted, with the form that it must have',
    spec: '{template: {spec: {containers: [{image: "registry.kube-system.svc/Hello:!"}]}}}',
    refusal: /registry\.kube-system\.svc\/Hello:!" does not parse/,
  },
  'no-containers': {
    reason: 'a service without a container is refused',
    spec: '{template: {spec: {}}}',
    refusal: /containers/,
  },
};

describe('bad input', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-bad-input');

  for (const [name, { reason, spec, refusal }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, async () => {
      const metadata = `{name: ${name}, namespace: ${suite.namespace}}`;
      const yaml = `apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: ${metadata}\nspec: ${spec}\n`;
      await assert.rejects(kubectl(['apply', '-f', '-'], yaml), (error: { stderr?: string }) => {
        assert.match(error.stderr ?? '', refusal);
        return true;
      });
    });
  }

  it('a name of 50 characters, one more than Cloud Run takes, is reported as a warning in a condition', async () => {
    const { client, namespace } = suite;
    const service = await readyService(client, namespace, `n${'a'.repeat(49)}`);
    const warning = service.status?.conditions?.find(({ type }) => type === 'CloudRunIncompatible');
    assert.equal(warning?.severity, 'Warning');
    assert.match(
      warning?.message ?? '',
      /metadata\.name: is "na+" \(50 characters\); it must have 1 to 49 characters$/,
    );
  });

  it('a changed template under the old revision name is refused, and the revision serves on', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'same', {
      revision: 'same-one',
      env: { TARGET: 'old' },
    });
    const changed = helloService(namespace, 'same', { revision: 'same-one', env: { TARGET: 'new' } });
    await assert.rejects(applyService(client, changed), /a changed template needs a new name, or none/);
    assert.match((await visitor.ask(url)).body, /old/);
  });

  it('a revision name that exists with another content is reported, and nothing else changes', async () => {
    const { client, namespace, visitor } = suite;
    await readyService(client, namespace, 'taken', { revision: 'taken-one', env: { TARGET: 'one' } });
    const { url } = await readyService(client, namespace, 'taken', {
      revision: 'taken-two',
      env: { TARGET: 'two' },
    });
    await applyService(
      client,
      helloService(namespace, 'taken', { revision: 'taken-one', env: { TARGET: 'new' } }),
    );
    const service = await serviceReady(client, namespace, 'taken', { status: 'False' });
    const ready = service.status?.conditions?.find(({ type }) => type === 'Ready');
    assert.match(ready?.message ?? '', /'taken-one' with different configuration already exists/);
    assert.match((await visitor.ask(url)).body, /two/);
    assert.equal((await revisionsOf(client, namespace, 'taken')).length, 2);
  });
});
