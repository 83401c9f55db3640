import { claimOf } from '../../apis/domains/domainMapping/claim.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import { keyOf } from '../../kube/types.ts';
import { type CompiledRoute, compileMapping } from './compile.ts';
import type { RouteTable } from './routeTable.ts';

interface Mapped {
  mapping: DomainMapping;
  /** Key of its route. */
  route: string;
}

/**
 * The domains that are mapped to routes. The controller names a route in the status of a mapping as long as the mapping
 * has its domain; the domain is served as that route is.
 */
export class Domains {
  readonly #table: Pick<RouteTable, 'setRoute'>;
  readonly #routeAt: (key: string) => Route | undefined;
  readonly #restrict: (compiled: CompiledRoute, route: Route) => CompiledRoute;
  readonly #mapped = new Map<string, Mapped>();
  /** Keys of mappings, by the key of their route. */
  readonly #ofRoute = new Map<string, Set<string>>();

  /** @param routeAt the route of a key as it is now. @param restrict adds who may call it. */
  constructor(
    table: Pick<RouteTable, 'setRoute'>,
    routeAt: (key: string) => Route | undefined,
    restrict: (compiled: CompiledRoute, route: Route) => CompiledRoute = (compiled) => compiled,
  ) {
    this.#table = table;
    this.#routeAt = routeAt;
    this.#restrict = restrict;
  }

  /** Takes a mapping as it is now; undefined when it is gone. */
  setMapping(key: string, mapping: DomainMapping | undefined): void {
    this.#forget(key);
    const { mappedRouteName } = mapping?.status ?? {};
    if (mapping && mappedRouteName) {
      const { namespace } = mapping.metadata;
      const route = keyOf({ namespace, name: mappedRouteName });
      this.#mapped.set(key, { mapping, route });
      this.#ofRoute.set(route, (this.#ofRoute.get(route) ?? new Set()).add(key));
    }
    this.#refresh(key);
  }

  /** Serves the domains of a route as it is now. */
  routeChanged(route: string): void {
    for (const key of this.#ofRoute.get(route) ?? []) this.#refresh(key);
  }

  #forget(key: string): void {
    const before = this.#mapped.get(key);
    if (!before) return;
    this.#mapped.delete(key);
    const others = this.#ofRoute.get(before.route);
    others?.delete(key);
    if (others?.size === 0) this.#ofRoute.delete(before.route);
  }

  #refresh(key: string): void {
    const mapped = this.#mapped.get(key);
    const route = mapped && this.#routeAt(mapped.route);
    this.#table.setRoute(claimOf(key), route && this.#restrict(compileMapping(mapped.mapping, route), route));
  }
}
