import { deepEqual, equal } from 'node:assert/strict';
import { objectErrors } from '../../operator/apis/schemaValidation.ts';
import { SERVICE } from '../../operator/apis/serving/service/kind.ts';
import type { Service } from '../../operator/apis/serving/service/types.ts';
import { validateService } from '../../operator/apis/serving/service/validation.ts';
import type { Pod } from '../../operator/kube/core.ts';
import { helm, NAMESPACE, type Rendered, render } from './helm.ts';

/** What `helm test` creates; operator/check has what it runs. */
describe('the test of the chart', () => {
  // The first call may have to build Helm.
  before(function () {
    this.timeout(600_000);
    helm(['version']);
  });

  function hooks(values: object = {}) {
    const [service, pod, ...more] = render(values, { templates: ['tests/request'] });
    deepEqual(more, []);
    return { service: service as unknown as Service, pod: pod as unknown as Pod };
  }
  const urlOf = ({ spec }: Pod) => spec?.containers[0]?.args?.[1];

  it('is all that has to do with it, so that nobody gets a right by it', () => {
    const isOfTest = ({ metadata }: Rendered) =>
      metadata.labels?.['app.kubernetes.io/component'] === 'test' || metadata.name.includes('test');
    deepEqual(
      render({ networkPolicy: { enabled: true } })
        .filter(isOfTest)
        .map(({ kind, metadata }) => [kind, metadata.name]),
      [
        ['Service', 'homerun-test'],
        ['Pod', 'homerun-test'],
      ],
    );
    equal(hooks().pod.spec?.automountServiceAccountToken, false);
  });

  it('is made and removed by Helm, the service first, and the pod stays for its log', () => {
    const { service, pod } = hooks({ annotations: { note: 'x' } });
    const hook = { note: 'x', 'helm.sh/hook': 'test' };
    deepEqual(pod.metadata.annotations, { ...hook, 'helm.sh/hook-delete-policy': 'before-hook-creation' });
    deepEqual(service.metadata.annotations, {
      ...hook,
      'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
      'helm.sh/hook-weight': '-1',
      'run.googleapis.com/ingress': 'internal',
      'run.googleapis.com/invoker-iam-disabled': 'true',
    });
  });

  const secrets = [{ name: 'regcred' }];
  const cases: Record<string, { values: object; strict: string[]; url: string; pulls: unknown }> = {
    "in Homerun's own namespace": {
      values: { imagePullSecrets: secrets, clusterDomain: 'example.local' },
      // Not admitted there, so strict admission does not matter.
      strict: ['spec.template.spec.containers[0].securityContext', 'spec.template.spec.imagePullSecrets'],
      url: `http://homerun-test.${NAMESPACE}.svc.example.local`,
      pulls: secrets,
    },
    'in the first namespace of several': {
      values: { namespaces: ['team-a', 'team-b'], imagePullSecrets: secrets },
      strict: [],
      url: 'http://homerun-test.team-a.svc.cluster.local',
      pulls: undefined,
    },
  };
  for (const [where, { values, strict, url, pulls }] of Object.entries(cases)) {
    it(`is a valid service ${where}, at the URL that is asked`, () => {
      const { service, pod } = hooks(values);
      deepEqual(objectErrors(SERVICE, SERVICE.spec, service), []);
      const errors = validateService(service);
      deepEqual(errors.map(({ path }) => path).sort(), strict);
      deepEqual(
        errors.filter((error) => !error.strict),
        [],
      );
      deepEqual(service.spec.template.spec.imagePullSecrets, pulls);
      equal(urlOf(pod), url);
      equal(
        `http://${service.metadata.name}.${service.metadata.namespace}.svc`,
        url.split('.').slice(0, 3).join('.'),
      );
      equal(pod.metadata.namespace, NAMESPACE);
      deepEqual(pod.spec?.imagePullSecrets, secrets);
    });
  }

  it('runs the image of the installation on both sides', () => {
    const { service, pod } = hooks({ image: { repository: 'registry.example.com/homerun', tag: '2' } });
    const images = [service.spec.template.spec, pod.spec].map((spec) => spec?.containers[0]?.image);
    deepEqual(images, ['registry.example.com/homerun:2', 'registry.example.com/homerun:2']);
  });
});
