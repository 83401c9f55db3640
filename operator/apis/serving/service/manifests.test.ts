import { modelOf } from '../../model.ts';
import { testManifests } from '../../testing/manifests.ts';
import { defaultService } from './defaults.ts';
import { SERVICE } from './kind.ts';
import { MANIFESTS } from './manifestCases.ts';
import { validateService } from './validation.ts';

describe('services as people write them', () => {
  testManifests(MANIFESTS, {
    validate: validateService,
    fill: defaultService,
    Model: modelOf(SERVICE),
  });
});
