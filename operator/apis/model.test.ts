import { deepEqual, equal, throws } from 'node:assert/strict';
import { modelOf } from './model.ts';
import { EXECUTION } from './run/execution/kind.ts';
import { schemaErrors } from './schemaValidation.ts';
import { TemplateContainerSchema } from './serving/container/schema.ts';
import { SERVICE } from './serving/service/kind.ts';
import type { Service } from './serving/service/types.ts';

const ServiceModel = modelOf(SERVICE);

const serviceWith = (containerPort: number) =>
  new ServiceModel({
    metadata: { name: 'hello' },
    spec: { template: { spec: { containers: [{ image: 'app', ports: [{ containerPort }] }] } } },
  });

describe('modelOf', () => {
  it('fills in apiVersion and kind, and leaves the rest as it is', () => {
    deepEqual(serviceWith(8080).toJSON(), {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: { name: 'hello' },
      spec: { template: { spec: { containers: [{ image: 'app', ports: [{ containerPort: 8080 }] }] } } },
    });
  });

  it('takes what the schema allows, and names field, value and range of what it does not', () => {
    serviceWith(8080).validate();
    throws(() => serviceWith(70_000).validate(), {
      code: 'INVALID_OBJECT',
      message:
        'invalid Service: spec.template.spec.containers[0].ports[0].containerPort: is 70000; it must be a whole number from 0 to 65535',
    });
  });

  it('has the types that the schema says: what does not compile is rejected as well', () => {
    const image = 'app';
    const containers: readonly Service['spec']['template']['spec']['containers'][number][] = [
      { image, resources: { limits: { cpu: 2, memory: '1Gi' } } },
      { image, livenessProbe: { httpGet: { port: 'http' }, timeoutSeconds: 2 } },
      // @ts-expect-error an image must be named
      { name: 'a' },
      // @ts-expect-error texts are no numbers
      { image, workingDir: 1 },
      // @ts-expect-error a quantity is a number or a text
      { image, resources: { limits: { cpu: true } } },
      // @ts-expect-error one of few texts
      { image, imagePullPolicy: 'Sometimes' },
      // @ts-expect-error items of a list have types too
      { image, env: [{ value: 'a' }] },
    ];
    const isValid = (container: (typeof containers)[number]) =>
      schemaErrors(TemplateContainerSchema, container, '').length === 0;
    deepEqual(containers.map(isValid), [true, true, false, false, false, false, false]);
  });

  it('takes an execution without a spec, which its job gives it', () => {
    new (modelOf(EXECUTION))({ metadata: { name: 'hello' } }).validate();
  });

  it('knows objects of its kind', () => {
    equal(ServiceModel.is({ apiVersion: 'serving.knative.dev/v1', kind: 'Service' }), true);
    equal(ServiceModel.is({ apiVersion: 'v1', kind: 'Service' }), false);
    equal(ServiceModel.is(undefined), false);
  });
});
