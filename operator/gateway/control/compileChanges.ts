import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import type { Issuers } from '../../identity/issuers.ts';
import type { Pod, RoleBinding } from '../../kube/core.ts';
import type { Change, Informer } from '../../kube/informer.ts';
import { keyOf } from '../../kube/types.ts';
import type { RoleConfig } from '../../roles.ts';
import type { Logger } from '../../telemetry/log.ts';
import { GarbageCollection } from '../shared/garbage.ts';
import type { EarlyAddresses } from './addresses.ts';
import { Bindings } from './bindings.ts';
import { type CompiledRoute, compilePod, compileRevision, compileRoute } from './compile.ts';
import { Domains } from './domains.ts';
import type { Instances } from './instances.ts';
import { invokersOf } from './invokers.ts';
import type { RouteTable } from './routeTable.ts';

/** What is compiled into the table. */
export interface Watched {
  routes: Informer<Route>;
  revisions: Informer<Revision>;
  pods: Informer<Pod>;
  domainMappings: Informer<DomainMapping>;
  /** Those of the role Invoker. */
  bindings: Informer<RoleBinding>;
}

interface Compiled {
  table: RouteTable;
  instances: Instances;
  addresses: EarlyAddresses;
  issuers: Pick<Issuers, 'need'>;
}

interface Options {
  config: RoleConfig<'gateway'>;
  log: Logger;
  /** Whether the data threads have been started, so that a pod is a new one. */
  isStarted(): boolean;
}

/** Compiles each change of the cluster's objects into what the data threads use. */
export function compileChanges(
  { routes, revisions, pods, domainMappings, bindings }: Watched,
  { table, instances, addresses, issuers }: Compiled,
  { config, log, isStarted }: Options,
): void {
  /** Adds who may call it; the keys that prove it are needed from the first service on that is not open. */
  const restrict = (compiled: CompiledRoute, route: Route): CompiledRoute => {
    const { namespace = '', name } = route.metadata;
    const hosts = () => [...compiled.hosts.keys(), ...compileRoute(route, config).hosts.keys()];
    const invokers = invokersOf(route, hosts, members.principals(namespace, name), config.invoker.default);
    if (!invokers) return compiled;
    issuers.need();
    return { ...compiled, invokers };
  };
  const domains = new Domains(table, (key) => routes.store.get(key), restrict);
  const setRoute = (key: string, route: Route | undefined): void => {
    table.setRoute(key, route && restrict(compileRoute(route, config), route));
    domains.routeChanged(key);
  };
  const members = new Bindings((namespace, service) => {
    for (const route of routes.store.list()) {
      const { metadata } = route;
      if (metadata.namespace !== namespace || (service !== undefined && metadata.name !== service)) continue;
      setRoute(keyOf(metadata), route);
    }
  });
  const garbage = new GarbageCollection();
  // An object that cannot be compiled is logged and changes nothing else.
  const each =
    <T extends Route | Revision | Pod | DomainMapping | RoleBinding>(
      apply: (key: string, change: Change<T>) => void,
    ) =>
    (change: Change<T>): void => {
      garbage.changed(1);
      const key = keyOf(change.object.metadata);
      try {
        apply(key, change);
      } catch (error) {
        log.error({ kind: change.object.kind, key, err: error }, 'object cannot be served');
      }
    };
  revisions.onChange(
    each((key, { type, object }) =>
      instances.setRevision(key, type === 'deleted' ? undefined : compileRevision(object)),
    ),
  );
  pods.onChange(
    each((key, { type, object }) =>
      addresses.setPod(key, type === 'deleted' ? undefined : compilePod(object), !isStarted()),
    ),
  );
  routes.onChange(each((key, { type, object }) => setRoute(key, type === 'deleted' ? undefined : object)));
  bindings.onChange(each((_key, { type, object }) => members.set(object, type === 'deleted')));
  domainMappings.onChange(
    each((key, { type, object }) => domains.setMapping(key, type === 'deleted' ? undefined : object)),
  );
}
