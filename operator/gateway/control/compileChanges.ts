import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import type { Pod } from '../../kube/core.ts';
import type { Change, Informer } from '../../kube/informer.ts';
import { keyOf } from '../../kube/types.ts';
import type { RoleConfig } from '../../roles.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { EarlyAddresses } from './addresses.ts';
import { compilePod, compileRevision, compileRoute } from './compile.ts';
import { Domains } from './domains.ts';
import type { Instances } from './instances.ts';
import type { RouteTable } from './routeTable.ts';

/** What is compiled into the table. */
export interface Watched {
  routes: Informer<Route>;
  revisions: Informer<Revision>;
  pods: Informer<Pod>;
  domainMappings: Informer<DomainMapping>;
}

interface Compiled {
  table: RouteTable;
  instances: Instances;
  addresses: EarlyAddresses;
}

interface Options {
  config: RoleConfig<'gateway'>;
  log: Logger;
  /** Whether the data threads have been started, so that a pod is a new one. */
  isStarted(): boolean;
}

/** Compiles each change of the cluster's objects into what the data threads use. */
export function compileChanges(
  { routes, revisions, pods, domainMappings }: Watched,
  { table, instances, addresses }: Compiled,
  { config, log, isStarted }: Options,
): void {
  const domains = new Domains(table, (key) => routes.store.get(key));
  // An object that cannot be compiled is logged and changes nothing else.
  const each =
    <T extends Route | Revision | Pod | DomainMapping>(apply: (key: string, change: Change<T>) => void) =>
    (change: Change<T>): void => {
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
  routes.onChange(
    each((key, { type, object }) => {
      table.setRoute(key, type === 'deleted' ? undefined : compileRoute(object, config));
      domains.routeChanged(key);
    }),
  );
  domainMappings.onChange(
    each((key, { type, object }) => domains.setMapping(key, type === 'deleted' ? undefined : object)),
  );
}
