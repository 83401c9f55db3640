import { deepEqual, equal, match } from 'node:assert/strict';
import fc from 'fast-check';
import { artifactOf, placedImage } from './artifactRegistry.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const HOST = 'local-docker.pkg.dev';

const cases: Record<string, { reason: string; image: string; project?: string; repository?: string }> = {
  'what gcloud builds': {
    reason: 'its own repository, pinned when it is deployed',
    image: `${HOST}/demo/cloud-run-source-deploy/hello@${DIGEST}`,
    project: 'demo',
    repository: 'cloud-run-source-deploy',
  },
  'a tag': {
    reason: 'gcloud builds submit',
    image: `${HOST}/demo/r/a/b:v1`,
    project: 'demo',
    repository: 'r',
  },
  'a project of a domain': {
    reason: 'its colon is a slash in images',
    image: `${HOST}/acme.com/demo/r/a`,
    project: 'acme.com:demo',
    repository: 'r',
  },
  'another region': { reason: "Google's own images stay where they are", image: 'us-docker.pkg.dev/p/r/a' },
  'no repository': { reason: 'a name needs one', image: `${HOST}/demo/a` },
  'no name in a project of a domain': { reason: 'a name needs one', image: `${HOST}/acme.com/demo/r` },
  'a comma': { reason: "BuildKit's options are separated by them", image: `${HOST}/demo/r/a,push=false` },
  'a way up': { reason: 'it would be the image of another project', image: `${HOST}/demo/../other/r/a` },
  'capital letters': { reason: 'images have none', image: `${HOST}/demo/r/A` },
  nothing: { reason: 'it is no image', image: '' },
};

describe("images of the region's Artifact Registry", () => {
  for (const [name, { reason, image, project, repository }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const found = artifactOf(image, 'local');
      const path = image.slice(HOST.length + 1);
      deepEqual(found, project === undefined ? undefined : { project, repository, path });
      const placed = placedImage(image, { region: 'local', registry: 'registry.test:5000/x' });
      equal(placed, project === undefined ? image : `registry.test:5000/x/${path}`);
    });
  }

  it('stay where they are without a registry that stands for it', () => {
    const image = `${HOST}/demo/r/a:1`;
    equal(placedImage(image, { region: 'local', registry: '' }), image);
  });

  it('never lead out of the registry, nor have what would end a word of a command', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '/', '.', ':', '@', ',', ' ', '-', '_', 'A') }),
        (name) => {
          const placed = placedImage(`${HOST}/${name}`, { region: 'local', registry: 'r' });
          if (placed.startsWith('r/')) match(placed, /^r(\/[a-z0-9]+([._-]+[a-z0-9]+)*){3,}(:[\w.-]+)?$/);
        },
      ),
    );
  });
});
