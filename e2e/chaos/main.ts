import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from '../lib/cluster.ts';
import { report } from './report.ts';
import { Run } from './run.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, rounds: { type: 'string', default: '100' } },
});
const [seed, rounds] = [Number(values.seed), Number(values.rounds)];
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(rounds) || rounds < 1)
  throw new RangeError(
    `SEED is ${values.seed} and ROUNDS is ${values.rounds}; both must be whole numbers, ROUNDS at least 1`,
  );

const run = new Run(await connect(), seed);
await run.start();
try {
  for (let number = 1; number <= rounds; number++) console.log(await run.round(number));
} finally {
  await run.stop();
}
const { text, failed } = report(seed, run.records, run.totals);
console.log(text);
// A shorter run is for a look; the report that is kept is of a whole one.
if (rounds >= 100) await writeFile(join(import.meta.dirname, `report-${seed}.md`), text);
process.exitCode = failed ? 1 : 0;
