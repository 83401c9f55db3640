import type { Logger } from '../telemetry/log.ts';
import { Backoff } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { sleep } from './clock.ts';
import { isKubeError } from './errors.ts';
import type { Capabilities } from './types.ts';

/**
 * What the cluster supports, according to the resources that its API server lists; a version number would not show a
 * disabled feature gate.
 * An API server that does not answer is asked again: to take it for an old one would change what runs.
 * @throws when `signal` aborts before it has answered.
 */
export async function capabilitiesOf(
  client: Pick<KubeClient, 'request'>,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<Capabilities> {
  const backoff = new Backoff();
  for (;;) {
    signal.throwIfAborted();
    try {
      const { resources } = await client.request<{ resources: { name: string }[] }>('GET', '/api/v1', {
        signal,
      });
      return { resizesPods: resources.some(({ name }) => name === 'pods/resize') };
    } catch (err) {
      signal.throwIfAborted();
      log.warn({ err }, 'the API server does not say what it can do');
      const unreachable = isKubeError(err, 'KUBE_UNREACHABLE');
      await sleep(backoff.next(unreachable ? 'unreachable' : 'refused'), signal);
    }
  }
}
