import { parseArgs } from 'node:util';
import { fuzzAdmission } from './admission.ts';

// node operator/webhook/fuzz/main.ts --count 100000 --seed 1

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const report = await fuzzAdmission(Number(values.count), Number(values.seed));
console.log(`admission, seed ${values.seed}: ${JSON.stringify(report)}`);
