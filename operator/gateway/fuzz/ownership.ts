import { parseArgs } from 'node:util';
import { LONGEST_WAIT_MS, OwnershipSimulation } from '../testing/ownershipSimulation.ts';

/** Steps of one run, after which the gateways must come to rest. */
const STEPS = 100_000;

/** Simulates which gateway sends requests to instances, in as many steps as `--count` says, from `--seed` on. */
const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
const count = Number(values.count ?? 1_000_000);
const first = Number(values.seed ?? 1);
for (let steps = 0, seed = first; steps < count; seed++) {
  for (const stormy of [true, false]) {
    const result = new OwnershipSimulation({ seed, steps: STEPS, stormy }).run();
    steps += result.steps;
    console.log(JSON.stringify({ seed, stormy, ...result }));
    if (result.violations.length > 0 || (!stormy && result.longestWait > LONGEST_WAIT_MS)) process.exit(1);
  }
}
