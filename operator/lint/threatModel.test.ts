import { deepEqual, ok } from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(resolve(root, 'docs/threat-model.md'), 'utf8');

/** What the last column of a row names: test files, each with titles of tests or keys of tables. */
function namedIn(cell: string): { file: string; titles: string[] }[] {
  return cell.split(/; (?=`)/).map((part) => {
    const [, file = '', titles = ''] = /^`([^`]+)` (".*")$/.exec(part.trim()) ?? [];
    return { file, titles: titles.slice(1, -1).split('", "').filter(Boolean) };
  });
}

/** Whether a file has a test, a group of tests or a row of a table with this name. */
function isIn(source: string, title: string): boolean {
  const text = source.replaceAll("\\'", "'").replaceAll(/\(\s+/g, '(');
  const literals = ["'", '"', '`'].map((quote) => `${quote}${title}${quote}`);
  const asTest = literals.flatMap((literal) => [`it(${literal}`, `describe(${literal}`]);
  const asKey = [...literals, ` ${title}`].flatMap((key) => [`${key}: {`, `${key}: [`, `${key}: '`]);
  return [...asTest, ...asKey].some((part) => text.includes(part));
}

describe('threat model', () => {
  const sections = page.split(/^## /m).slice(1);

  it('has a table for each boundary, and says what is not held', () => {
    const without = sections.filter(
      (text) => !text.includes('| attempt | what holds it | test |') || !/^Not held: /m.test(text),
    );
    deepEqual(
      without.map((text) => text.split('\n', 1)[0]),
      [],
    );
  });

  for (const section of sections) {
    const [title = ''] = section.split('\n', 1);
    it(`names tests that are there: ${title}`, () => {
      const rows = section.split('\n').filter((line) => /^\| (?!attempt|---)/.test(line));
      ok(rows.length > 0, 'there are rows');
      for (const row of rows) {
        const [attempt = '', , cell = ''] = row.split(' | ').map((each) => each.replace(/^\| | \|$/g, ''));
        for (const { file, titles } of namedIn(cell)) {
          ok(titles.length > 0 && existsSync(resolve(root, file)), `${attempt}: ${file || cell}`);
          const source = readFileSync(resolve(root, file), 'utf8');
          for (const each of titles) ok(isIn(source, each), `${file} has no test "${each}"`);
        }
      }
    });
  }
});
