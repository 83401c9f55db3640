import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { REJECTIONS } from './rejections.ts';

describe('REJECTIONS', () => {
  it('are all documented in docs/gateway.md, each with its status', async () => {
    const page = await readFile(new URL('../../../docs/gateway.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(/^\| (\d{3}) \| `(\w+)` \|/gm)].map(([, status, reason]) => [
      reason,
      Number(status),
    ]);
    assert.deepEqual(Object.fromEntries(documented), REJECTIONS);
  });
});
