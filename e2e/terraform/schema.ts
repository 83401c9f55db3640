import { type Exception, exceptionOf, OF_THE_PROVIDER } from './support.ts';
import type { Block, Configured } from './tofu.ts';

const joined = (at: string, name: string) => (at === '' ? name : `${at}.${name}`);

/** The arguments of a block, without those of blocks in it. */
function ownArguments({ attributes = {} }: Block, at: string): string[] {
  return Object.entries(attributes)
    .filter(([name, { optional, required }]) => (optional || required) && !isOfTheProvider(joined(at, name)))
    .map(([name]) => joined(at, name))
    .sort();
}

const isOfTheProvider = (path: string) => OF_THE_PROVIDER.includes(path);

function blocksOf({ block_types: types = {} }: Block, at: string): [path: string, block: Block][] {
  return Object.entries(types)
    .map(([name, { block }]): [string, Block] => [joined(at, name), block])
    .filter(([path]) => !isOfTheProvider(path))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Every argument that a configuration may have, as `template.containers.image`. */
export function argumentsOf(block: Block, at = ''): string[] {
  const inner = blocksOf(block, at).flatMap(([path, each]) => argumentsOf(each, path));
  return [...ownArguments(block, at), ...inner];
}

/** The arguments that any resource of a type has in the configurations. */
export function configuredArguments(configured: readonly Configured[], type: string): Set<string> {
  const found = new Set<string>();
  const add = (value: unknown, at: string): void => {
    if (!Array.isArray(value)) {
      found.add(at);
      return;
    }
    for (const block of value) {
      for (const [name, inner] of Object.entries(block)) add(inner, joined(at, name));
    }
  };
  for (const { mode, type: own, expressions } of configured) {
    if (mode !== 'managed' || own !== type) continue;
    for (const [name, value] of Object.entries(expressions)) add(value, name);
  }
  return found;
}

/** The tables of docs/terraform.md: what the API does with each argument of the resources, a line for each block. */
export function tables(schemas: Readonly<Record<string, { block: Block }>>): string {
  const sections = Object.entries(schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([resource, { block }]) => {
      const head = ['| block | works | no effect | refused |', '| --- | --- | --- | --- |'];
      return [`## ${resource}`, '', ...head, ...rowsOf(resource, block, ''), ''].join('\n');
    });
  return `\n${sections.join('\n')}`;
}

function rowsOf(resource: string, block: Block, at: string): string[] {
  const label = at === '' ? 'the resource itself' : `\`${at}\``;
  const whole = at === '' ? undefined : exceptionOf(resource, at);
  if (whole)
    return [
      row(
        label,
        '',
        whole.result === 'refused' ? undefined : whole.why,
        whole.result === 'refused' ? whole.why : undefined,
      ),
    ];
  const named = ownArguments(block, at).map((path) => ({
    name: `\`${path.slice(at === '' ? 0 : at.length + 1)}\``,
    exception: exceptionOf(resource, path),
  }));
  const works = named.filter(({ exception }) => !exception).map(({ name }) => name);
  const inner = blocksOf(block, at).flatMap(([path, each]) => rowsOf(resource, each, path));
  if (named.length === 0) return inner;
  return [row(label, works.join(', '), because(named, 'no effect'), because(named, 'refused')), ...inner];
}

const row = (...cells: (string | undefined)[]) => `| ${cells.map((cell) => cell ?? '').join(' | ')} |`;

/** `a`, `b`: why; `c`: why else */
function because(
  named: readonly { name: string; exception?: Exception }[],
  result: Exception['result'],
): string {
  const names = new Map<string, string[]>();
  for (const { name, exception } of named) {
    if (exception?.result !== result) continue;
    names.set(exception.why, [...(names.get(exception.why) ?? []), name]);
  }
  return [...names].map(([why, all]) => `${all.join(', ')}: ${why}`).join('; ');
}
