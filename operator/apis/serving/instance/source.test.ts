import { deepEqual, equal } from 'node:assert/strict';
import { BASE_IMAGE_RUNTIME } from './platform.ts';
import {
  baseImageOf,
  type ContainerSource,
  type FollowedBaseImage,
  followedBaseImage,
  sourceOf,
} from './source.ts';
import { instanceWarnings } from './warnings.ts';

const URL = 'gs://run-sources-demo-local/services/a/1.tar.gz#12';
const annotations = (sources: unknown, images?: unknown) => ({
  'run.googleapis.com/sources': JSON.stringify(sources),
  ...(images ? { 'run.googleapis.com/base-images': JSON.stringify(images) } : {}),
});

const cases: Record<
  string,
  {
    reason: string;
    annotations?: Record<string, string>;
    names: (string | undefined)[];
    image?: string;
    want: ContainerSource | undefined;
  }
> = {
  'an only container, as gcloud names it': {
    reason: 'gcloud: the name is empty',
    annotations: annotations({ '': URL }, { '': 'nodejs24' }),
    names: ['user-container'],
    want: { container: 'user-container', url: URL, baseImage: 'nodejs24' },
  },
  'a container without a name yet': {
    reason: 'admission sees the template before defaults',
    annotations: annotations({ '': URL }),
    names: [undefined],
    want: { container: undefined, url: URL },
  },
  'one of several': {
    reason: 'the others run their images',
    annotations: annotations({ app: URL }, { app: 'nodejs24', side: 'osonly24' }),
    names: ['side', 'app'],
    want: { container: 'app', url: URL, baseImage: 'nodejs24' },
  },
  'no name among several': {
    reason: 'it is unclear which',
    annotations: annotations({ '': URL }),
    names: ['a', 'b'],
    want: undefined,
  },
  'a base image alone': {
    reason: 'the image was built',
    annotations: annotations({}, { '': 'nodejs24' }),
    names: ['a'],
    want: undefined,
  },
  'another image': {
    reason: 'gcloud run deploy --image leaves the annotation',
    annotations: annotations({ '': URL }, { '': 'nodejs24' }),
    names: ['a'],
    image: 'node:24',
    want: undefined,
  },
  'what is no JSON': {
    reason: 'it was stored before it was checked',
    annotations: { 'run.googleapis.com/sources': '{' },
    names: ['a'],
    want: undefined,
  },
  'a value that is no text': {
    reason: 'it names nothing',
    annotations: annotations({ a: 1 }),
    names: ['a'],
    want: undefined,
  },
  'no annotations': { reason: 'most have none', names: ['a'], want: undefined },
};

describe('the source of an instance', () => {
  for (const [name, { reason, annotations, names, image = 'scratch', want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () =>
      deepEqual(
        sourceOf(
          annotations,
          names.map((each) => ({ name: each, image })),
        ),
        want,
      ));
  }

  it('runs on the image that its base image stands for, or is', () => {
    equal(baseImageOf('nodejs24', { nodejs24: 'node:24' }), 'node:24');
    equal(baseImageOf('registry.example/base:1', { nodejs24: 'node:24' }), 'registry.example/base:1');
    equal(baseImageOf('constructor', {}), 'constructor');
  });
});

describe('the base image that instances follow', () => {
  const source = annotations({ '': URL }, { '': 'nodejs24' });
  const rows: Record<
    string,
    {
      reason: string;
      annotations?: Record<string, string>;
      runtimeClassName?: string;
      image?: string;
      want?: FollowedBaseImage;
      warns?: boolean;
    }
  > = {
    'as gcloud deploys a source': {
      reason: 'it sets the runtime class with every base image',
      annotations: source,
      runtimeClassName: BASE_IMAGE_RUNTIME,
      want: { container: 'app', baseImage: 'nodejs24' },
    },
    'without the runtime class': { reason: 'nobody asked for it', annotations: source },
    'another runtime class': {
      reason: 'it is one of the cluster',
      annotations: source,
      runtimeClassName: 'gvisor',
    },
    'an image that was built': {
      reason: 'its base image is inside',
      annotations: source,
      runtimeClassName: BASE_IMAGE_RUNTIME,
      image: 'app:1',
      warns: true,
    },
    'a base image without a source': {
      reason: 'as after gcloud run deploy --source with a build',
      annotations: annotations({}, { '': 'nodejs24' }),
      runtimeClassName: BASE_IMAGE_RUNTIME,
      warns: true,
    },
    'no base image': {
      reason: 'there is nothing to follow',
      annotations: annotations({ '': URL }),
      runtimeClassName: BASE_IMAGE_RUNTIME,
      warns: true,
    },
  };
  for (const [name, row] of Object.entries(rows)) {
    const { reason, image = 'scratch', runtimeClassName, want, warns = false } = row;
    it(`${name}: ${reason}`, () => {
      const spec = {
        containers: [{ name: 'app', image }],
        ...(runtimeClassName ? { runtimeClassName } : {}),
      };
      deepEqual(followedBaseImage(row.annotations, spec), want);
      deepEqual(
        instanceWarnings(spec, 'spec', row.annotations).map(({ path }) => path),
        warns ? ['spec.runtimeClassName'] : [],
      );
    });
  }
});
