import { deepEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CHART, helm, leaves, refusal, render } from './helm.ts';

type Json = Record<string, unknown>;

/** Entries of the schema that values.yaml does not have, and why. */
const WITHOUT_DEFAULT: Record<string, string> = {
  global: 'Helm itself adds it, for charts that contain others; this one reads nothing of it',
};

/** The paths of a schema's values as {@link leaves} gives those of values. */
function schemaLeaves(properties: Record<string, Json>, path = ''): string[] {
  return Object.entries(properties)
    .flatMap(([name, schema]) =>
      schema.properties && name !== 'resources'
        ? schemaLeaves(schema.properties as Record<string, Json>, `${path}${name}.`)
        : [`${path}${name}`],
    )
    .sort();
}

/** The paths of all sections of a schema that say which fields they have, with the whole: ''. */
function sections({ properties }: Json, path = ''): string[] {
  const below = Object.entries((properties ?? {}) as Record<string, Json>);
  return [
    path,
    ...below.flatMap(([name, schema]) => (schema.properties ? sections(schema, `${path}/${name}`) : [])),
  ];
}

/** `{a: {b: value}}` for the path `a.b`, all of them in one. */
function valuesAt(paths: readonly string[], value: unknown): Json {
  const values: Json = {};
  for (const path of paths) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    const section = keys.reduce((at, key) => {
      at[key] ??= {};
      return at[key] as Json;
    }, values);
    section[last] = value;
  }
  return values;
}

/** Whether Helm's message is about this place in the values, or one below it. */
function isNamed(said: string, pointer: string): boolean {
  return said.includes(`at '${pointer}'`) || said.includes(`at '${pointer}/`);
}

describe('each value of the chart', () => {
  const schema: Json = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
  const all = leaves(values);

  before(function () {
    // The first call may have to build Helm.
    this.timeout(600_000);
    helm(['version']);
  });

  it('has a schema, and each entry of the schema has a default, but for what says why not', () => {
    const declared = schemaLeaves(schema.properties as Record<string, Json>);
    deepEqual([...all, ...Object.keys(WITHOUT_DEFAULT)].sort(), declared);
  });

  it('is refused by its name when it is of a wrong type', () => {
    // No value takes a list of a list.
    const said = refusal(() => render(valuesAt(all, [[]])));
    const unnamed = all.filter((path) => !isNamed(said, `/${path.replaceAll('.', '/')}`));
    deepEqual(unnamed, []);
  });

  it('is refused by its name and its section when there is no such', () => {
    const of = (section: string) =>
      `${section.slice(1).replaceAll('/', '.')}.unknownValue`.replace(/^\./, '');
    const closed = sections(schema);
    const said = refusal(() => render(valuesAt(closed.map(of), 1)));
    const missed = closed.filter(
      (section) =>
        !said
          .split('\n')
          .some((line) => isNamed(line, section) && line.includes("'unknownValue' not allowed")),
    );
    deepEqual(missed, []);
    ok(closed.length > 20, 'the sections were found');
  });
});
