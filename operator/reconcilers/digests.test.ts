import { deepEqual } from 'node:assert/strict';
import { parseConfig } from '../config.ts';
import { DigestResolver } from '../registry/resolver.ts';
import { silent } from '../testing/until.ts';
import { digestsOf, pinnedImages } from './digests.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

function resolver(): DigestResolver {
  const ask = async () => DIGEST;
  return new DigestResolver({ ask, onDone: () => {}, skip: [], log: silent });
}

function started(image: string, build: object): (string | undefined)[] {
  const spec = { containers: [{ name: 'app', image }] };
  const owner = { namespace: 'demo', name: 'hello-1', spec, known: new Map(), asks: true };
  const images = pinnedImages(spec, digestsOf(owner, resolver(), parseConfig({ build })));
  return [...images.values()];
}

describe('the images that instances run', () => {
  const path = `demo/cloud-run-source-deploy/hello@${DIGEST}`;
  const cases: Record<string, { reason: string; image: string; build: object; want: string }> = {
    'what was built': {
      reason: 'it was pushed to the registry that stands for the name',
      image: `local-cluster1-docker.pkg.dev/${path}`,
      build: { registry: 'registry.test:5000' },
      want: `registry.test:5000/${path}`,
    },
    "an image of Google's": {
      reason: 'it is of another region',
      image: `us-docker.pkg.dev/${path}`,
      build: { registry: 'registry.test:5000' },
      want: `us-docker.pkg.dev/${path}`,
    },
    'an image where nothing stands for the name': {
      reason: 'nodes may have a mirror of their own',
      image: `local-cluster1-docker.pkg.dev/${path}`,
      build: {},
      want: `local-cluster1-docker.pkg.dev/${path}`,
    },
  };
  for (const [name, { reason, image, build, want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => deepEqual(started(image, build), [want]));
  }
});
