import { parseArgs } from 'node:util';
import { ConfigError, identityOf, loadConfig } from './config.ts';
import { KubeClient } from './kube/client.ts';
import { ConnectionError, inClusterConnection, kubeConfigConnection } from './kube/connection.ts';
import { createLogger, type Logger } from './telemetry/log.ts';
import { watchEventLoop } from './telemetry/metrics/process.ts';
import { surviveRejections } from './telemetry/rejections.ts';
import { tuneV8 } from './v8.ts';

const USAGE = 'usage: homerun controller | gateway | metadata';

/** SIGTERM and SIGINT ask for a clean end; a second one is left to the system and ends at once. */
function stopSignal(log: Logger): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'stopping');
      stop.abort();
    });
  }
  return stop.signal;
}

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [role] = positionals;
  if (role !== 'controller' && role !== 'gateway' && role !== 'metadata') throw new ConfigError(USAGE);
  const config = loadConfig(process.env);
  const log = createLogger(role, config.logLevel);
  // Data threads have a supervisor of their own, and requests in hand that no level of any state brings back.
  if (role !== 'gateway') {
    surviveRejections(log);
    watchEventLoop();
  }
  const signal = stopSignal(log);
  const identity = identityOf(process.env);
  if (role === 'controller') {
    const { runController } = await import('./controller.ts');
    await runController(config, identity, new KubeClient(await kubeConfigConnection()), log, signal);
    return;
  }
  // The others do without @kubernetes/client-node: that alone would double their memory and start-up time.
  if (role === 'metadata') {
    const { runMetadata } = await import('./metadata/metadata.ts');
    await runMetadata(config, identity, new KubeClient(inClusterConnection()), log, signal);
    return;
  }
  const { runGateway } = await import('./gateway/gateway.ts');
  await runGateway(config, identity, new KubeClient(inClusterConnection()), log, signal);
}

tuneV8();
try {
  await main();
  process.exit(0);
} catch (error) {
  const expected = error instanceof ConfigError || error instanceof ConnectionError;
  console.error(expected ? `homerun: ${error.message}` : error);
  process.exit(1);
}
