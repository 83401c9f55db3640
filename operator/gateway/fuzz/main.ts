import { parseArgs } from 'node:util';
import { describeReport, fuzz } from './supervisor.ts';

/** `node operator/gateway/fuzz/main.ts [--seed N] [--count N] [--first N] [--lanes N] [--only instance|client]` */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string', default: '100000' },
    first: { type: 'string', default: '0' },
    lanes: { type: 'string', default: '32' },
    only: { type: 'string' },
  },
});
const seed = values.seed ? Number(values.seed) : Math.floor(Math.random() * 1e9);
for (const name of ['instance', 'client']) {
  if (values.only && values.only !== name) continue;
  console.log(`${name}: seed ${seed}, ${values.count} cases`);
  const options = {
    name,
    seed,
    count: Number(values.count),
    first: Number(values.first),
    lanes: Number(values.lanes),
  };
  const report = await fuzz(options);
  console.log(describeReport(options, report));
  if (report.kinds.length > 0) process.exitCode = 1;
}
