import { deepEqual } from 'node:assert/strict';
import { validateSources } from './sourceValidation.ts';

const URL = 'gs://run-sources-demo-local/a.zip#1';
const KNOWN = { nodejs24: 'node:24', osonly24: 'debian:13' };
const SOURCES = 'run.googleapis.com/sources';
const IMAGES = 'run.googleapis.com/base-images';

interface Case {
  reason: string;
  sources?: object;
  images?: object;
  names: (string | undefined)[];
  baseImages?: Record<string, string>;
  image?: string;
  says: string[];
}

const cases: Record<string, Case> = {
  'what gcloud writes': {
    reason: "'' is the only container",
    sources: { '': URL },
    images: { '': 'nodejs24' },
    names: ['user-container'],
    says: [],
  },
  'an image in full': {
    reason: 'it needs no name',
    sources: { a: URL },
    images: { a: 'registry.example/base:1' },
    names: ['a', 'b'],
    says: [],
  },
  'a base image that was built on': {
    reason: 'nothing starts from it',
    images: { '': 'python312' },
    names: [undefined],
    says: [],
  },
  'a container that is not there': {
    reason: 'it would have no effect',
    sources: { b: URL },
    images: { c: 'nodejs24' },
    names: ['a'],
    says: [
      `metadata.annotations[${SOURCES}] names "b"; there is no such container`,
      `metadata.annotations[${IMAGES}] names "c"; there is no such container`,
    ],
  },
  'no name among several': {
    reason: 'it is unclear which',
    sources: { '': URL },
    names: ['a', 'b'],
    says: [`metadata.annotations[${SOURCES}] names ""; there is no such container`],
  },
  'two sources': {
    reason: 'gcloud: at most one from source',
    sources: { a: URL, b: URL },
    images: { a: 'nodejs24', b: 'nodejs24' },
    names: ['a', 'b'],
    says: [`metadata.annotations[${SOURCES}] has sources of 2 containers; one container may have a source`],
  },
  'a name that the owner has not given': {
    reason: 'it is no image of a registry',
    sources: { '': URL },
    images: { '': 'python312' },
    names: ['a'],
    says: [
      `metadata.annotations[${IMAGES}] has "python312"; it must be one of nodejs24, osonly24 or an image such as docker.io/library/node:24 (chart value instance.baseImages)`,
    ],
  },
  'a name where there are none': {
    reason: 'the chart has no defaults',
    sources: { '': URL },
    images: { '': 'nodejs24' },
    names: ['a'],
    baseImages: {},
    says: [
      `metadata.annotations[${IMAGES}] has "nodejs24"; it must be an image such as docker.io/library/node:24 (chart value instance.baseImages)`,
    ],
  },
  'a source without a base image': {
    reason: 'there is nothing to start from',
    sources: { '': URL },
    names: ['a'],
    says: [`metadata.annotations[${SOURCES}] needs a base image for the container, in ${IMAGES}`],
  },
  'another image': {
    reason: 'gcloud run deploy --image leaves the annotation: a warning',
    sources: { '': URL },
    images: { '': 'python312' },
    names: ['a'],
    image: 'node:24',
    says: [
      `metadata.annotations[${SOURCES}] has no effect on a container whose image is "node:24"; with the image scratch it runs its source`,
    ],
  },
  'what is no image': {
    reason: 'no registry has it',
    sources: { '': URL },
    images: { '': 'x//y' },
    names: ['a'],
    says: [
      `metadata.annotations[${IMAGES}] has "x//y"; image "x//y" does not parse: the path "x//y" may contain only lowercase letters, digits and single separators (. _ - /)`,
    ],
  },
};

describe('validation of sources', () => {
  for (const [
    name,
    { reason, sources, images, names, baseImages = KNOWN, image = 'scratch', says },
  ] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const annotations = {
        ...(sources ? { [SOURCES]: JSON.stringify(sources) } : {}),
        ...(images ? { [IMAGES]: JSON.stringify(images) } : {}),
      };
      const errors = validateSources(
        annotations,
        names.map((each) => ({ name: each, image })),
        baseImages,
        'metadata.annotations',
      );
      deepEqual(
        errors.map(({ path, message }) => `${path} ${message}`),
        says,
      );
    });
  }
});
