import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { Service as ServiceModel } from '../../models/serving.knative.dev/v1/Service.ts';
import { testManifests } from '../../testing/manifests.ts';
import { defaultService } from './defaults.ts';
import { MANIFESTS } from './manifestCases.ts';
import { validateService } from './validation.ts';

describe('services as people write them', () => {
  testManifests(MANIFESTS, { validate: validateService, fill: defaultService, Model: ServiceModel });

  it('finds a wrong shape, as the generated model knows it', () => {
    const wrong = parse(
      '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a, ports: [{containerPort: 70000}]}]}}}}',
    );
    assert.throws(() => new ServiceModel(wrong).validate(), /containerPort must be <= 65535/);
  });
});
