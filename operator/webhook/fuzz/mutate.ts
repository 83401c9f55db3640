import { ANNOTATIONS } from '../../apis/annotations/table.ts';
import type { Random } from '../../testing/random.ts';

type Container = Record<string, unknown> | unknown[];

const deep = (open: string, close: string, depth: number): unknown =>
  JSON.parse(`${open.repeat(depth)}1${close.repeat(depth)}`);

/** Unexpected values. Shared between objects, so nothing may write into them. */
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  1e308,
  2 ** 31,
  2 ** 53,
  '',
  ' ',
  '0',
  '-1',
  '1e9999',
  '99999999999999999999',
  'constructor',
  'toString',
  '$(PORT)',
  '$$',
  '\u0000',
  '\ud800',
  'café ☕',
  '../..',
  '/health check',
  'a\r\nb: c',
  '-'.repeat(300),
  'a/'.repeat(600),
  'x'.repeat(70_000),
  '{"a":["b"]}',
  '{a: [b]}',
  '[[[[',
  '{"containerOverrides":[{"name":"a"}],"taskCount":"x"}',
  [],
  {},
  [null],
  [[[]]],
  { a: null },
  { toString: 1, valueOf: 1 },
  { name: 'constructor', value: {} },
  Array(1_001).fill('a'),
  Array(2_000).fill({ name: 'A', value: 'b' }),
  Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, 'v'])),
  deep('[', ']', 70),
  deep('{"a":', '}', 5_000),
  deep('[', ']', 50_000),
];

const KEYS: readonly string[] = [
  ...ANNOTATIONS.keys(),
  'run.googleapis.com/constructor',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '',
  '=',
  'a/b/c',
  'x'.repeat(400),
  'name',
  'metadata',
  'spec',
  'annotations',
  'labels',
  'containers',
];

/** Changes a few parts of `root` in place; all parts are equally likely. */
export function mutate(root: Container, random: Random): void {
  for (let left = 1 + random.below(4); left > 0; left--) {
    const parts = partsOf(root);
    if (parts.length === 0) return;
    const { holder, key } = random.pick(parts);
    change(holder, key, random);
  }
}

interface Part {
  holder: Container;
  key: string;
}

/** The parts that may be changed; VALUES are shared and deep, so they are not traversed. */
function partsOf(root: Container): Part[] {
  const parts: Part[] = [];
  const open: Container[] = [root];
  for (let holder = open.pop(); holder; holder = open.pop()) {
    for (const [key, value] of Object.entries(holder)) {
      parts.push({ holder, key });
      const isOwn = typeof value === 'object' && value !== null && !VALUES.includes(value);
      if (isOwn) open.push(value as Container);
    }
  }
  return parts;
}

function change(holder: Container, key: string, random: Random): void {
  const at = holder as Record<string, unknown>;
  const value = at[key];
  const kind = random.below(5);
  if (kind === 0) {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete at[key];
  } else if (kind === 1 && Array.isArray(holder)) {
    for (let more = 1 + random.below(30); more > 0; more--) holder.push(clone(value));
  } else if (kind === 1 || kind === 2) {
    const target = isMap(value) ? value : at;
    target[Array.isArray(target) ? '0' : random.pick(KEYS)] = random.chance(1 / 2)
      ? random.pick(VALUES)
      : 'true';
  } else {
    at[key] = random.pick(VALUES);
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !VALUES.includes(value);
}

/** A copy of a part that has been read from JSON; a value that is shared stays as it is. */
export function clone<T>(value: T): T {
  if (typeof value !== 'object' || value === null || VALUES.includes(value)) return value;
  if (Array.isArray(value)) return value.map(clone) as T;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clone(inner)])) as T;
}
