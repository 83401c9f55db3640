import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { argv, stdout } from 'node:process';
import { bundle } from '../../operator/generate/bundle.ts';
import { type Bom, type Component, debianComponents, imageBom, lockBom, packagesOf } from './bom.ts';

/** Writes the bills of materials (CycloneDX) of package-lock.json and of Homerun's image into a folder. */
const root = resolve(import.meta.dirname, '../..');
const folder = resolve(argv[2] ?? join(root, 'dist/sbom'));

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  });

const { name, version, packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

/** The npm packages of which something is in the bundle, as `name@version`. */
async function bundledPackages(): Promise<Set<string>> {
  const outdir = mkdtempSync(join(tmpdir(), 'homerun-sbom-'));
  try {
    const outputs = Object.values(await bundle(root, outdir));
    return packagesOf(
      outputs.flatMap(({ inputs }) =>
        Object.keys(inputs).filter((path) => (inputs[path]?.bytesInOutput ?? 0) > 0),
      ),
      packages,
    );
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** What the image itself says of its Debian packages, and its digest. */
function builtImage(): { digest: string; debian: Component[] } {
  const layout = run(join(root, 'e2e/images/build'), 'homerun:dev').trim();
  const blob = (digest: string) => join(layout, 'blobs', digest.replace(':', '/'));
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
  const { digest } = manifests[0];
  const { layers } = JSON.parse(readFileSync(blob(digest), 'utf8'));
  const read = (path: string) => run('tar', '-xzOf', blob(layers[0].digest), '--wildcards', path);
  return { digest, debian: debianComponents(read('var/lib/dpkg/status.d/*'), read('etc/os-release')) };
}

const listed: Bom = JSON.parse(run('npm', 'sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'));
const lock = lockBom(listed, { name, version }, packages);
const { digest, debian } = builtImage();
const image = imageBom(lock, {
  digest,
  arch: process.arch,
  bundled: await bundledPackages(),
  debian,
  listed: listed.components,
});
mkdirSync(folder, { recursive: true });
for (const [name, bom] of Object.entries({ 'package-lock': lock, image })) {
  const file = join(folder, `${name}.cdx.json`);
  writeFileSync(file, `${JSON.stringify(bom, undefined, 2)}\n`);
  stdout.write(`${file}: ${bom.components.length} components\n`);
}
