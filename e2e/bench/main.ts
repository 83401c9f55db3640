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

const ready = await applyToReady(bench);
console.log(table('apply-to-ready', 'ms', ready));
results.push(ratioResult('apply-to-ready', 'ms', ready, 1.5));

results.push(await manyAtZero(bench));

const wake = await wakeFromZero(bench);
console.log(table('wake-from-zero', 'ms', wake));
results.push(ratioResult('wake-from-zero', `ms, node role ${await nodeRole(client)}`, wake, 0.5));

results.push(...(await attempt('wake-ten', () => wakeTen(bench))));

results.push(...(await attempt('cluster-throughput', () => clusterThroughput(bench))));

results.push(...(await attempt('exact-counts', () => exactCounts(bench))));

results.push(...(await attempt('steps', () => steps(bench))));

const pools = await poolApplyToReady(bench);
console.log(table('pool-apply-to-ready', 'ms', pools));
results.push(ratioResult('pool-apply-to-ready', 'ms', pools, 1.5));

results.push(...(await localResults()));

results.push(await admissionLatency(client, namespace));

results.push(...(await idleFootprint(client)));

results.push(...(await thousandTasks(client, namespace)));

results.push(...(await manyTasks()));

results.push(...(await controllerMemory()));

await writeFile(new URL('./results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
for (const result of results) console.log(verdict(result));
if (!results.every(({ holds }) => holds)) process.exitCode = 1;
