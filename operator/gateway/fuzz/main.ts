import { parseArgs } from 'node:util';
import { scaleIns } from '../../autoscaler/testing/scaleIns.ts';
import { describeReport, fuzz } from './supervisor.ts';

/** `node operator/gateway/fuzz/main.ts [--seed N] [--count N] [--first N] [--lanes N] [--cases N,N…] [--only instance|client|scaleIns]` */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string', default: '100000' },
    first: { type: 'string', default: '0' },
    lanes: { type: 'string', default: '32' },
    cases: { type: 'string' },
    only: { type: 'string' },
  },
});
/** Of {@link scaleIns}, for each case of the others: a round takes about ten times as long. */
const ROUNDS_PER_CASE = 0.1;

const seed = values.seed ? Number(values.seed) : Math.floor(Math.random() * 1e9);
for (const name of ['instance', 'client']) {
  if (values.only && values.only !== name) continue;
  const options = {
    name,
    seed,
    count: Number(values.count),
    first: Number(values.first),
    lanes: Number(values.lanes),
    ...(values.cases ? { cases: values.cases.split(',').map(Number) } : undefined),
  };
  const report = await fuzz(options);
  console.log(describeReport(options, report));
  if (report.kinds.length > 0) process.exitCode = 1;
}
if (!values.only || values.only === 'scaleIns') {
  const rounds = Math.max(1, Math.round(Number(values.count) * ROUNDS_PER_CASE));
  console.log(`scaleIns: seed ${seed}, ${rounds} requests`);
  const start = performance.now();
  const { lost, moments, deleted, slowest } = await scaleIns(rounds, seed);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `scaleIns: seed ${seed}, ${rounds} requests in ${seconds} s, ${deleted} pods deleted, slowest ${Math.round(slowest)} ms, ${lost.length} lost; ${JSON.stringify(moments)}`,
  );
  for (const request of lost.slice(0, 20)) console.log(`  ${request}`);
  if (lost.length > 0 || !Number.isFinite(slowest)) process.exitCode = 1;
}
