import { writeFile } from 'node:fs/promises';
import { connect, freshNamespace, gatewayAddress } from '../lib/cluster.ts';
import { Visitor } from '../lib/http.ts';
import { admissionLatency } from './admission.ts';
import { controllerMemory } from './controllerMemory.ts';
import { idleFootprint } from './idle.ts';
import { thousandTasks } from './jobs.ts';
import { manyTasks } from './manyTasks.ts';
import { poolApplyToReady } from './pools.ts';
import { proxyResults } from './proxy.ts';
import { type Result, ratioResult, table } from './result.ts';
import { applyToReady, manyAtZero, nodeRole, wakeFromZero } from './services.ts';

const client = await connect();
await using visitor = new Visitor(await gatewayAddress(client));
const namespace = await freshNamespace(client, 'bench');
const bench = { client, visitor, namespace, samples: 15 };
const results: Result[] = [];

const ready = await applyToReady(bench);
console.log(table('apply-to-ready', 'ms', ready));
results.push(ratioResult('apply-to-ready', 'ms', ready, 1.5));

results.push(await manyAtZero(bench));

const wake = await wakeFromZero(bench);
console.log(table('wake-from-zero', 'ms', wake));
const node = await nodeRole(client);
results.push(ratioResult('wake-from-zero', `ms, node role ${node}`, wake, 1.15));
if (node === 'on') {
  const samples = { ours: wake.ours, bare: wake.addressed };
  results.push(
    ratioResult('wake-before-address', 'ms to an answer, against an address in the API', samples, 0.5),
  );
}

const pools = await poolApplyToReady(bench);
console.log(table('pool-apply-to-ready', 'ms', pools));
results.push(ratioResult('pool-apply-to-ready', 'ms', pools, 1.5));

results.push(...(await proxyResults()));

results.push(await admissionLatency(client, namespace));

results.push(...(await idleFootprint(client)));

results.push(...(await thousandTasks(client, namespace)));

results.push(...(await manyTasks()));

results.push(...(await controllerMemory()));

await writeFile(new URL('./results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
for (const { name, unit, value, baseline, ratio, goal, holds } of results) {
  console.log(
    `${holds ? 'holds' : 'FAILS'}  ${name}: ${value} ${unit}, baseline ${baseline}, ratio ${ratio} (goal ${goal})`,
  );
}
if (!results.every(({ holds }) => holds)) process.exitCode = 1;
