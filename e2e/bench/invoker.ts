import { testIssuer, tokenOf } from '../../operator/identity/testing/testIssuer.ts';
import { alternated, turn, warm } from './proxy.ts';
import type { Guard } from './proxyServer.ts';
import { differenceResult, type Result, table, verdict } from './result.ts';
import { MEASURED, OTHERS, Server } from './servers.ts';

const REPETITIONS = 7;
const AUDIENCE = 'https://hello.bench.example.com';
const ACCOUNT = 'system:serviceaccount:bench:caller';

/**
 * Processor time that the check of its caller adds to a small keep-alive GET: with a token to a service that only its
 * members may call, against without one to a service that is open. No cluster is needed.
 */
export async function invokerResult(): Promise<Result> {
  const issuer = testIssuer('https://kubernetes.default.svc.cluster.local');
  // What else a token of a pod says.
  const pod = {
    namespace: 'bench',
    pod: { name: 'caller-00001-deployment-5d4f8c7b9-abcde', uid: crypto.randomUUID() },
  };
  const token = tokenOf(issuer, {
    aud: [AUDIENCE],
    sub: ACCOUNT,
    'kubernetes.io': pod,
    jti: crypto.randomUUID(),
  });
  const headers = { Authorization: `Bearer ${token}` };
  const invokers = { audiences: [AUDIENCE], principals: [`user:${ACCOUNT}`] };
  const guard: Guard = { issuer: issuer.issuer, key: issuer.jwk, invokers };
  await using backend = await Server.start('backend', OTHERS);
  await using open = await Server.start('gateway', MEASURED, backend.port);
  await using guarded = await Server.start('guarded', MEASURED, backend.port, JSON.stringify(guard));
  await warm(open);
  await warm(guarded, headers);
  const of = { connections: 32, seconds: 1 };
  const samples = await alternated(
    REPETITIONS,
    async () => (await turn(guarded, { ...of, headers })).micros,
    async () => (await turn(open, of)).micros,
  );
  console.log(table('invoker-cpu', 'us', samples));
  return differenceResult('invoker-cpu', 'us added by the check of a token', samples, 60);
}

if (import.meta.main) {
  const result = await invokerResult();
  console.log(verdict(result));
  process.exitCode = result.holds ? 0 : 1;
}
