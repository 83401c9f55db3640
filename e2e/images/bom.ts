/** A component of a bill of materials (CycloneDX 1.5, `components`). */
export interface Component {
  type: string;
  name: string;
  version: string;
  purl?: string;
  cpe?: string;
  'bom-ref'?: string;
  [field: string]: unknown;
}

/** A bill of materials (CycloneDX 1.5) as far as it is changed here. */
export interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: Component; [field: string]: unknown };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
  [field: string]: unknown;
}

export class BomError extends Error {
  readonly code = 'BOM';
}

/** Entries of package-lock.json (its `packages`) by their folder, as far as they matter here. */
export type Locked = Readonly<Record<string, { version?: string; dev?: boolean }>>;

/** Of a folder below node_modules: the name of its package. */
const PACKAGE = /^((?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+))/;

/**
 * npm's bill of all of package-lock.json reduced to what production needs, without what differs from run to run, and with the
 * name of the project where npm puts that of the folder. `npm sbom --omit dev` (npm 11) would also leave out each package that
 * production needs and a development dependency needs too.
 */
export function lockBom(bom: Bom, { name, version }: { name: string; version: string }, locked: Locked): Bom {
  const { serialNumber: _, metadata, ...rest } = bom;
  const { timestamp: __, ...stable } = metadata;
  const wanted = new Set(
    Object.entries(locked)
      .filter(([, { dev }]) => !dev)
      .map(([path, each]) => `${PACKAGE.exec(path)?.[2]}@${each.version}`),
  );
  const { 'bom-ref': self = '' } = metadata.component;
  const isKept = (ref = '') => ref === self || wanted.has(ref);
  return {
    ...rest,
    metadata: { ...stable, component: { ...metadata.component, name, version } },
    components: bom.components.filter(({ 'bom-ref': ref }) => isKept(ref)),
    dependencies: bom.dependencies
      .filter(({ ref }) => isKept(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isKept) })),
  };
}

/**
 * The packages that files belong to, as `name@version`.
 * @param paths of files, relative to the project.
 * @throws {BomError} for a package that is not locked.
 */
export function packagesOf(paths: readonly string[], locked: Locked): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    const [, folder, name] = PACKAGE.exec(path) ?? [];
    if (!folder || !name) continue;
    const version = locked[folder]?.version;
    if (!version) throw new BomError(`${folder} is in the bundle and not in package-lock.json`);
    found.add(`${name}@${version}`);
  }
  return found;
}

/**
 * Debian packages as components.
 * @param descriptions the fields of each package as in dpkg's status file, with an empty line behind each.
 * @param osRelease contents of /etc/os-release (os-release(5)).
 * @throws {BomError} for a package without a name, a version or an architecture.
 */
export function debianComponents(descriptions: string, osRelease: string): Component[] {
  const fieldOf = (text: string, name: string, separator: string) =>
    new RegExp(`^${name}${separator}"?([^"\n]+)"?$`, 'm').exec(text)?.[1];
  const distribution = `${fieldOf(osRelease, 'ID', '=')}-${fieldOf(osRelease, 'VERSION_ID', '=')}`;
  const vendor = fieldOf(osRelease, 'ID', '=') ?? 'debian';
  return descriptions
    .split(/\n\n+/)
    .filter((text) => text.trim() !== '')
    .map((text) => {
      const [name, version, arch] = ['Package', 'Version', 'Architecture'].map((each) =>
        fieldOf(text, each, ': '),
      );
      if (!name || !version || !arch) throw new BomError(`no Debian package: ${text.slice(0, 80)}`);
      const at = `${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
      const purl = `pkg:deb/${vendor}/${at}?arch=${arch}&distro=${distribution}`;
      return { 'bom-ref': purl, type: 'library', name, version, purl };
    });
}

export interface ImageContents {
  /** `sha256:...` of the image's manifest. */
  digest: string;
  /** As Node names it. */
  arch: string;
  /** npm packages of which something is in the bundle, as `name@version`. */
  bundled: ReadonlySet<string>;
  debian: readonly Component[];
  /** What npm lists of package-lock.json, development dependencies too: the bundler takes what an optional `require` finds. */
  listed: readonly Component[];
}

/**
 * The bill of Homerun's image: Debian's packages, Node and those npm packages of which something is in the bundle.
 * @param lock gives the project's version and the tools.
 * @throws {BomError} when npm lists not all of them.
 */
export function imageBom(lock: Bom, { digest, arch, bundled, debian, listed }: ImageContents): Bom {
  const node = listed.find(({ name }) => name === `node-linux-${arch}`);
  if (!node) throw new BomError(`package-lock.json has no Node for ${arch}`);
  const cpe = `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:*:*:*:*`;
  const packages = listed.filter(({ 'bom-ref': ref = '' }) => bundled.has(ref));
  if (packages.length !== bundled.size) {
    const known = new Set(packages.map(({ 'bom-ref': ref }) => ref));
    const missing = [...bundled].filter((each) => !known.has(each));
    throw new BomError(`in the bundle and not in npm's list: ${missing.join(', ')}`);
  }
  const { version } = lock.metadata.component;
  const purl = `pkg:oci/homerun@${encodeURIComponent(digest)}?arch=${arch}`;
  const components = [...debian, { ...node, type: 'platform', cpe }, ...packages];
  const refs = components.map(({ 'bom-ref': ref = '' }) => ref);
  return {
    ...lock,
    metadata: {
      ...lock.metadata,
      component: { 'bom-ref': purl, type: 'container', name: 'homerun', version, purl },
    },
    components,
    dependencies: [{ ref: purl, dependsOn: refs }],
  };
}
