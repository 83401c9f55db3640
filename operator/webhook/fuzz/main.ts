import { parseArgs } from 'node:util';
import { fuzzAdmission } from './admission.ts';

// node operator/webhook/fuzz/main.ts [--seed N] [--count N] [--first N]

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string' },
    first: { type: 'string', default: '0' },
  },
});
const seed = values.seed ? Number(values.seed) : Math.floor(Math.random() * 1e9);
const report = await fuzzAdmission(Number(values.count), seed, Number(values.first));
console.log(`admission, seed ${seed}: ${JSON.stringify(report)}`);
