/**
 * The metadata server's answer to a path, without its tokens (Compute Engine documentation, Predefined metadata keys, as
 * far as Cloud Run has them). Pure.
 */

/** The metadata of one caller. */
export interface Facts {
  projectId: string;
  projectNumber: string;
  region: string;
  instanceId: string;
  email: string;
  scopes: readonly string[];
}

/** What a request asks for, as a label of the metrics. */
export type PathKind = 'root' | 'directory' | 'value' | 'identity' | 'token' | 'unknown';

export type Resolution =
  | { kind: 'root' | 'directory' | 'value'; status: 200; type: 'text' | 'json'; body: string }
  | { kind: 'directory'; status: 301; location: string }
  | { kind: PathKind; status: 400 | 404; message: string }
  | TokenWanted;

/** A token that has to be fetched for the answer. */
export type TokenWanted = { kind: 'identity'; audience: string } | { kind: 'token'; scopes: string[] };

/** A leaf is a text, a number or a list; the two tokens are made on request. */
type Node = Directory | string | number | readonly string[] | typeof IDENTITY | typeof TOKEN;
interface Directory {
  [name: string]: Node;
}

const IDENTITY = Symbol('identity');
const TOKEN = Symbol('token');
const VERSION = '/computeMetadata/v1/';
const LONGEST_AUDIENCE = 2048;
/** Directories whose entries are names of accounts, not keys. */
const KEYED = 'service-accounts';

/** Whether a path may be read without the header: it contains nothing of a caller, as on real servers. */
export function isPublic(pathname: string): boolean {
  return pathname === '/' || pathname === '/computeMetadata/' || pathname === '/computeMetadata';
}

/** Whether the answer is a token. */
export function isToken(resolution: Resolution): resolution is TokenWanted {
  return 'audience' in resolution || 'scopes' in resolution;
}

/** The answer to a path with its query, for a caller with these facts. */
export function resolvePath(pathname: string, query: URLSearchParams, facts: Facts): Resolution {
  const outer = resolveOuter(pathname, query);
  if (outer) return outer;
  if (query.has('wait_for_change')) {
    const message = 'wait_for_change is not supported: nothing here changes while an instance runs';
    return { kind: 'unknown', status: 400, message };
  }
  const node = find(treeOf(facts), pathname.slice(VERSION.length));
  if (node === undefined) return notFound(pathname);
  if (node === IDENTITY) return identity(query);
  if (node === TOKEN) return { kind: 'token', scopes: scopesOf(query) };
  if (isDirectory(node)) {
    if (!pathname.endsWith('/')) return redirect(pathname, query);
    return directory(node, pathname, query);
  }
  if (pathname.endsWith('/')) return notFound(pathname);
  if (query.get('alt') === 'json') return json('value', node);
  return { kind: 'value', status: 200, type: 'text', body: text(node) };
}

/** The answer to a path outside of the one version, where only listings are; it is the same for all callers. */
export function resolveOuter(
  pathname: string,
  query: URLSearchParams,
): Exclude<Resolution, TokenWanted> | undefined {
  if (pathname === '/') return { kind: 'root', status: 200, type: 'text', body: 'computeMetadata/\n' };
  if (pathname === '/computeMetadata/') return { kind: 'root', status: 200, type: 'text', body: 'v1/\n' };
  if (pathname === '/computeMetadata' || pathname === '/computeMetadata/v1') return redirect(pathname, query);
  return pathname.startsWith(VERSION) ? undefined : notFound(pathname);
}

function treeOf(facts: Facts): Directory {
  const { projectId, projectNumber, region, email, scopes } = facts;
  const account = { aliases: ['default'], email, identity: IDENTITY, scopes, token: TOKEN } as const;
  const project = `projects/${projectNumber}`;
  return {
    instance: {
      id: facts.instanceId,
      region: `${project}/regions/${region}`,
      [KEYED]: { default: account, [email]: account },
      zone: `${project}/zones/${region}-1`,
    },
    project: { 'numeric-project-id': Number(projectNumber), 'project-id': projectId },
  };
}

function find(root: Directory, path: string): Node | undefined {
  let node: Node | undefined = root;
  for (const name of path.split('/')) {
    // Only the last part may be empty: the slash after a directory.
    if (name === '') return path === '' || path.indexOf('//') < 0 ? node : undefined;
    if (node === undefined || !isDirectory(node) || !Object.hasOwn(node, name)) return undefined;
    node = node[name];
  }
  return node;
}

function directory(node: Directory, pathname: string, query: URLSearchParams): Resolution {
  if (query.get('recursive') === 'true') {
    if (query.get('alt') === 'text') {
      const body = lines(node).join('');
      return { kind: 'directory', status: 200, type: 'text', body };
    }
    return json('directory', recursive(node, pathname.endsWith(`/${KEYED}/`)));
  }
  const names = Object.entries(node).map(([name, child]) => (isDirectory(child) ? `${name}/` : name));
  if (query.get('alt') === 'json') return json('directory', names);
  return { kind: 'directory', status: 200, type: 'text', body: names.map((name) => `${name}\n`).join('') };
}

/** The whole subtree as one object, keys in camel case; tokens have to be requested by name. */
function recursive(node: Directory, keyed: boolean): Record<string, unknown> {
  const entries = Object.entries(node).flatMap(([name, child]): [string, unknown][] => {
    if (child === IDENTITY || child === TOKEN) return [];
    const key = keyed ? name : name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return [[key, isDirectory(child) ? recursive(child, name === KEYED) : child]];
  });
  return Object.fromEntries(entries);
}

function lines(node: Directory, prefix = ''): string[] {
  return Object.entries(node).flatMap(([name, child]) => {
    if (child === IDENTITY || child === TOKEN) return [];
    if (isDirectory(child)) return lines(child, `${prefix}${name}/`);
    const values = Array.isArray(child) ? child : [child];
    return values.map((value) => `${prefix}${name} ${value}\n`);
  });
}

function identity(query: URLSearchParams): Resolution {
  const audience = query.get('audience') ?? '';
  const format = query.get('format') ?? 'standard';
  const reject = (message: string): Resolution => ({ kind: 'identity', status: 400, message });
  if (!audience) return reject('non-empty audience parameter required');
  if (audience.length > LONGEST_AUDIENCE) {
    return reject(
      `audience has ${audience.length} characters, more than the ${LONGEST_AUDIENCE} that are allowed`,
    );
  }
  if (format !== 'standard' && format !== 'full')
    return reject(`format is "${format}"; allowed are: standard, full`);
  return { kind: 'identity', audience };
}

function scopesOf(query: URLSearchParams): string[] {
  const asked = query.getAll('scopes').flatMap((list) => list.split(/[\s,]+/));
  return [...new Set(asked.filter((scope) => scope !== ''))].sort();
}

function text(node: string | number | readonly string[]): string {
  return typeof node === 'object' ? node.map((each) => `${each}\n`).join('') : String(node);
}

function json(kind: 'directory' | 'value', value: unknown): Resolution {
  return { kind, status: 200, type: 'json', body: JSON.stringify(value) };
}

function redirect(pathname: string, query: URLSearchParams): Exclude<Resolution, TokenWanted> {
  const search = query.size > 0 ? `?${query}` : '';
  return { kind: 'directory', status: 301, location: `${encodeURI(pathname)}/${search}` };
}

function notFound(pathname: string): Exclude<Resolution, TokenWanted> {
  return { kind: 'unknown', status: 404, message: `${pathname} is not something that an instance here has` };
}

function isDirectory(node: Node): node is Directory {
  return typeof node === 'object' && !Array.isArray(node);
}
