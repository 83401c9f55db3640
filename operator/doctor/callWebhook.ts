import { CONFIGURATIONS, type Configuration } from '../apis/serving/configuration/types.ts';
import { type KubeClient, resourcePath } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';

/**
 * Lets the API server call the webhook, by a Configuration that it checks and does not store (Kubernetes, Dry run).
 * @returns what it said when it could not; undefined when it could.
 * @throws {KubeError} when it did not try: the account may not make Configurations, there is no such namespace, or a webhook of
 * somebody else does not answer.
 */
export async function callWebhook(client: KubeClient, namespace: string): Promise<string | undefined> {
  const object: Configuration = {
    apiVersion: CONFIGURATIONS.apiVersion,
    kind: CONFIGURATIONS.kind,
    metadata: { namespace, name: 'homerun-doctor' },
    spec: { template: { spec: { containers: [{ image: 'homerun' }] } } },
  } as Configuration;
  try {
    const path = resourcePath(CONFIGURATIONS, { namespace });
    await client.request('POST', path, { query: { dryRun: 'All' }, body: object });
    return undefined;
  } catch (error) {
    if (!isKubeError(error)) throw error;
    if (/failed calling webhook "[\w-]+\.homerun\.dev"/.test(error.said)) return error.said;
    // A webhook's refusal is an answer; others have not come that far.
    if (error.said.includes('admission webhook')) return undefined;
    throw error;
  }
}
