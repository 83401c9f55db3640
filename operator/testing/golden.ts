import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

/**
 * Compares objects with a committed `.golden.yaml` file, one document for each object, keys sorted.
 * UPDATE_GOLDEN=1 writes the file instead; read its diff before committing it.
 * @param file `new URL('./golden/name.golden.yaml', import.meta.url)`
 */
export function assertGolden(file: URL, ...objects: unknown[]): void {
  const path = fileURLToPath(file);
  const actual = objects
    .map((object) =>
      stringify(object, { sortMapEntries: true, lineWidth: 110, aliasDuplicateObjects: false }),
    )
    .join('---\n');
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
    return;
  }
  let expected = '';
  try {
    expected = readFileSync(path, 'utf8');
  } catch {
    assert.fail(`${path} does not exist; UPDATE_GOLDEN=1 writes it`);
  }
  assert.equal(actual, expected, `${path} differs; UPDATE_GOLDEN=1 rewrites it`);
}
