import { writeFile } from 'node:fs/promises';
import { connect, freshNamespace, gatewayAddress } from '../lib/cluster.ts';
import { Visitor } from '../lib/http.ts';
import { admissionLatency } from './admission.ts';
import { controllerMemory } from './controllerMemory.ts';
import { idleFootprint } from './idle.ts';
import { thousandTasks } from './jobs.ts';
import { localResults } from './local.ts';
import { manyTasks } from './manyTasks.ts';
import { poolApplyToReady } from './pools.ts';
import { exactCounts } from './replicas.ts';
import { attempt, type Result, ratioResult, table, verdict } from './result.ts';
import { applyToReady, manyAtZero } from './services.ts';
import { clusterThroughput, steps } from './throughput.ts';
import { nodeRole, wakeFromZero, wakeTen } from './wake.ts';

const client = await connect();
const gateway = await gatewayAddress(client);
await using visitor = new Visitor(gateway);
const namespace = await freshNamespace(client, 'bench');
const bench = { client, visitor, gateway, namespace, samples: 15 };
const results: Result[] = [];

/** Keeps what has been measured so far: all of it takes half an hour. */
async function record(...more: Result[]): Promise<void> {
  results.push(...more);
  await writeFile(new URL('./results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
}

const ready = await applyToReady(bench);
console.log(table('apply-to-ready', 'ms', ready));
await record(ratioResult('apply-to-ready', 'ms', ready, 1.5));

await record(await manyAtZero(bench));

const wake = await wakeFromZero(bench);
console.log(table('wake-from-zero', 'ms', wake));
await record(ratioResult('wake-from-zero', `ms, node role ${await nodeRole(client)}`, wake, 0.5));

await record(...(await attempt('wake-ten', () => wakeTen(bench))));

await record(...(await attempt('cluster-throughput', () => clusterThroughput(bench))));

await record(...(await attempt('exact-counts', () => exactCounts(bench))));

await record(...(await attempt('steps', () => steps(bench))));

const pools = await poolApplyToReady(bench);
console.log(table('pool-apply-to-ready', 'ms', pools));
await record(ratioResult('pool-apply-to-ready', 'ms', pools, 1.5));

await record(...(await localResults()));

await record(await admissionLatency(client, namespace));

await record(...(await idleFootprint(client)));

await record(...(await thousandTasks(client, namespace)));

await record(...(await manyTasks()));

await record(...(await controllerMemory()));

for (const result of results) console.log(verdict(result));
if (!results.every(({ holds }) => holds)) process.exitCode = 1;
