import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { exit, stderr } from 'node:process';

/** One import, also of types alone: paths below operator/, or the name of a package. */
export interface Import {
  from: string;
  to: string;
}

/** The files of kube/ without IO: plain types, names, time and JSON. They import nothing but each other. */
const PURE_KUBE = ['json', 'owner', 'time', 'types'].map((name) => `kube/${name}.ts`);

/** What these may import besides packages, as files or folders. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'builtins.ts': [],
  telemetry: ['telemetry', 'builtins.ts'],
  kube: ['kube', 'telemetry'],
  ...Object.fromEntries(PURE_KUBE.map((file) => [file, PURE_KUBE])),
  apis: ['apis', ...PURE_KUBE],
  identity: ['identity', 'apis', 'kube', 'telemetry', 'builtins.ts'],
  'identity/issuer.ts': [],
  'identity/identityToken.ts': ['identity/issuer.ts', 'builtins.ts', 'apis/iam/membership.ts'],
  'gateway/shared': ['gateway/shared', 'identity/issuer.ts'],
  // What both sides must agree on, and what imports nothing; and how a token is verified.
  'gateway/data': [
    'gateway/data',
    'gateway/shared',
    'builtins.ts',
    'apis/iam/membership.ts',
    'identity/issuer.ts',
    'identity/identityToken.ts',
  ],
};

/** The data plane, and packages that it does not know. */
const DATA_PLANE = [
  'gateway/data',
  'gateway/shared',
  'builtins.ts',
  'identity/issuer.ts',
  'identity/identityToken.ts',
];
const KUBERNETES = /^(@kubernetes(-models)?|kubernetes-models)\//;

/** What these must not import; what both need is in apis/. */
const MUST_NOT_IMPORT: Readonly<Record<string, string>> = {
  autoscaler: 'reconcilers',
  reconcilers: 'autoscaler',
};

/** Files that only tests load. */
const TESTING = /\.test\.ts$|Cases\.ts$|\.d\.ts$|(^|\/)(testing|fuzz|memory|simulation)\//;

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')` and a worker's `new URL('x', …)`. */
const IMPORT =
  /^(?:import|export)\s(?:[^'";]*?\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)|new URL\([^)]*?'(\.[^']*\.ts)'/gm;

/** The imports in a file's text. @param from its path below operator/. */
export function importsOf(from: string, text: string): Import[] {
  return [...text.matchAll(IMPORT)].map(([, declared, dynamic, worker]) => {
    const name = (declared ?? dynamic ?? worker) as string;
    return { from, to: name.startsWith('.') ? posix.join(posix.dirname(from), name) : name };
  });
}

/** All imports among the files of the operator that are no tests. */
export function readImports(operator: string): Import[] {
  return readdirSync(operator, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !TESTING.test(file))
    .flatMap((file) => importsOf(file, readFileSync(join(operator, file), 'utf8')));
}

/** What breaks the rules of docs/architecture.md, one line each. */
export function violations(imports: readonly Import[]): string[] {
  const found = imports.flatMap(({ from, to }) => {
    const rule = ruleOf(from);
    const allowed = isPackage(to)
      ? !(isIn(from, DATA_PLANE) && KUBERNETES.test(to))
      : !TESTING.test(to) &&
        MUST_NOT_IMPORT[folderOf(from)] !== folderOf(to) &&
        (rule === undefined || isIn(to, rule));
    return allowed ? [] : [`${from} must not import ${to}`];
  });
  const ours = imports.filter(({ to }) => !isPackage(to));
  // An arrow between folders counts in either form: who imports a type must be changed with it.
  const folders = ours.map(({ from, to }) => ({ from: folderOf(from), to: folderOf(to) }));
  return [...found, ...[...circles(ours), ...circles(folders)].map((path) => `circle: ${path.join(' -> ')}`)];
}

/** The most particular rule for a file. */
function ruleOf(file: string): readonly string[] | undefined {
  const parts = Object.keys(MAY_IMPORT).filter((part) => isIn(file, [part]));
  return MAY_IMPORT[parts.sort((a, b) => b.length - a.length)[0] ?? ''];
}

function isIn(file: string, parts: readonly string[]): boolean {
  return parts.some((part) => file === part || file.startsWith(`${part}/`));
}

function isPackage(name: string): boolean {
  return !name.endsWith('.ts');
}

/** A file of operator/ itself stands for itself; the planes of the gateway are folders of their own. */
function folderOf(file: string): string {
  const [top = '', next = ''] = file.split('/');
  return top === 'gateway' ? `${top}/${next}` : top;
}

/** One circle for each import that closes one, from the file to itself. */
function circles(imports: readonly Import[]): string[][] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (from !== to) targets.set(from, (targets.get(from) ?? new Set<string>()).add(to));
  }
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): void => {
    const begin = path.indexOf(node);
    if (begin >= 0) found.push([...path.slice(begin), node]);
    if (begin >= 0 || done.has(node)) return;
    for (const target of targets.get(node) ?? []) visit(target, [...path, node]);
    done.add(node);
  };
  for (const node of targets.keys()) visit(node, []);
  return found;
}

if (import.meta.main) {
  const found = violations(readImports(resolve(import.meta.dirname, '..')));
  for (const violation of found) stderr.write(`imports: ${violation}\n`);
  if (found.length > 0) exit(1);
}
