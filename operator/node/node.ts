import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Identity } from '../config.ts';
import type { RoleConfig } from '../roles.ts';
import { startAdmin } from '../telemetry/admin.ts';
import type { Logger } from '../telemetry/log.ts';
import { nodeAddresses, nodeWatching } from '../telemetry/metrics.ts';
import { addressOfFamily } from './cniResult.ts';
import { Gateways, lookupByName } from './gateways.ts';
import { Results } from './results.ts';

/** Between two attempts to watch the folder: it may appear with the first pod of another runtime. */
const RETRY_MS = 30_000;

/**
 * The node role: sends all gateways the address of each new pod on its node as soon as the network plugin has assigned
 * it, until `signal` aborts. Where the runtime keeps no results, or none that can be read, it does nothing: gateways
 * learn the addresses from the API then, a second later.
 */
export async function runNode(
  config: RoleConfig<'node'>,
  identity: Identity,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const admin = await startAdmin({ port: config.adminPort, unready: () => undefined });
  // Its own address is of the family that comes first on this node, and so are those of the other pods here.
  const family = isIPv6(identity.podIP ?? '') ? 6 : 4;
  const gateways = new Gateways({
    lookup: lookupByName(config.node.gateways, family),
    port: config.adminPort,
    log,
  });
  const results = new Results({
    directory: config.node.cniResults,
    isWanted: ({ namespace }) => config.namespaces.length === 0 || config.namespaces.includes(namespace),
    added: (result) => {
      const ip = addressOfFamily(result, family);
      if (ip === undefined) return;
      nodeAddresses.inc();
      gateways.send(result.uid, ip);
    },
    removed: (uid) => gateways.send(uid, ''),
  });
  log.info({ pod: identity.podName, directory: config.node.cniResults }, 'started');
  try {
    await watchAlways(results, log, signal);
  } finally {
    admin.close();
  }
}

/** Watches until `signal` aborts, and begins again when a watch fails. */
async function watchAlways(results: Results, log: Logger, signal: AbortSignal): Promise<void> {
  let reported = false;
  while (!signal.aborted) {
    try {
      await watchOnce(results, signal);
    } catch (err) {
      if (!reported && !signal.aborted) {
        log.info({ err }, 'the results of network plugins cannot be watched: gateways wait for the API');
      }
      reported = true;
    }
    nodeWatching.set(0);
    await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
  }
}

/** Resolves when `signal` aborts, and rejects when the watch cannot begin or fails. */
function watchOnce(results: Results, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = results.watch(signal);
    nodeWatching.set(1);
    watcher.on('error', reject);
    watcher.on('close', resolve);
  });
}
