import { writeFileSync } from 'node:fs';
import { parametersOf } from './parameters.ts';
import { type Measure, tableOf } from './result.ts';
import { measureScale } from './run.ts';

const parameters = parametersOf(process.env);
const measures: Measure[] = [];

/** Shows what has been measured, and keeps it at once: all of it takes an hour. */
function record(...more: Measure[]): void {
  measures.push(...more);
  console.log(tableOf(more));
  writeFileSync(
    new URL('./results.json', import.meta.url),
    `${JSON.stringify({ parameters, measures }, null, 2)}\n`,
  );
}

await measureScale(parameters, record);
console.log(`\n${tableOf(measures)}`);
process.exit(measures.every(({ holds }) => holds) ? 0 : 1);
