import { adminApiResults } from './adminApi.ts';
import { invokerResult } from './invoker.ts';
import { isolationResults } from './isolation.ts';
import { proxyResults } from './proxy.ts';
import { attempt, type Result, verdict } from './result.ts';
import { routesResults } from './routes.ts';

/** The benches that need no cluster: all of their processes are on loopback. */
export async function localResults(): Promise<Result[]> {
  return [
    ...(await proxyResults()),
    ...(await attempt('invoker-cpu', invokerResult)),
    ...(await attempt('admin-api', adminApiResults)),
    ...(await attempt('isolation', isolationResults)),
    ...(await attempt('routes-1000', routesResults)),
  ];
}

if (import.meta.main) {
  const results = await localResults();
  for (const result of results) console.log(verdict(result));
  process.exitCode = results.every(({ holds }) => holds) ? 0 : 1;
}
