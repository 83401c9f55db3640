import type { KubeClient } from '../../operator/kube/client.ts';
import { NAMESPACES } from '../../operator/kube/core.ts';
import { connect, freshNamespace, gatewayAddress } from './cluster.ts';
import { Visitor } from './http.ts';

/** What a scenario works with; filled in before its first test. */
export interface Suite {
  namespace: string;
  client: KubeClient;
  visitor: Visitor;
}

/** Gives the scenario a namespace of its own and a client of the gateway. */
export function useSuite(namespace: string): Suite {
  const suite = { namespace } as Suite;
  before(async function () {
    this.timeout(300_000);
    suite.client = await connect();
    suite.visitor = new Visitor(await gatewayAddress(suite.client));
    await freshNamespace(suite.client, namespace);
  });
  after(async () => {
    await suite.visitor?.[Symbol.asyncDispose]();
    // Its instances would take the room of the next scenario's until their idle time is over.
    await suite.client?.delete(NAMESPACES, { name: namespace });
  });
  return suite;
}
