import { IAM } from '../../apis/iam/bindings.ts';
import { principalOf } from '../../apis/iam/membership.ts';
import type { RoleBinding } from '../../kube/core.ts';

/** All services of a namespace. */
const ALL = '';
const KINDS: Readonly<Record<string, (resource: string) => string>> = {
  services: (resource) => resource,
  project: () => ALL,
};
const NONE: ReadonlyMap<string, Bound> = new Map();

interface Bound {
  /** Name of a service, or {@link ALL}. */
  service: string;
  principals: readonly string[];
}

/**
 * Who has the role Invoker, by RoleBindings: for a service, or for all of a namespace. Their subjects count, which are what
 * Kubernetes itself goes by; a binding has no effect beyond its namespace.
 */
export class Bindings {
  readonly #byNamespace = new Map<string, Map<string, Bound>>();
  readonly #changed: (namespace: string, service: string | undefined) => void;

  /** @param changed called with the service whose members may have changed; without one for all of the namespace. */
  constructor(changed: (namespace: string, service: string | undefined) => void) {
    this.#changed = changed;
  }

  /** Takes a binding as it is now, or one that is gone. */
  set(binding: RoleBinding, isGone = false): void {
    const { namespace = '', name } = binding.metadata;
    const bindings = this.#byNamespace.get(namespace) ?? new Map<string, Bound>();
    const before = bindings.get(name);
    const bound = isGone ? undefined : boundBy(binding);
    if (bound) bindings.set(name, bound);
    else bindings.delete(name);
    if (bindings.size > 0) this.#byNamespace.set(namespace, bindings);
    else this.#byNamespace.delete(namespace);
    for (const service of new Set([before?.service, bound?.service])) {
      if (service !== undefined) this.#changed(namespace, service === ALL ? undefined : service);
    }
  }

  /** The members of a service's policy as principals, sorted. */
  principals(namespace: string, service: string): string[] {
    const found = new Set<string>();
    for (const bound of (this.#byNamespace.get(namespace) ?? NONE).values()) {
      if (bound.service !== service && bound.service !== ALL) continue;
      for (const principal of bound.principals) found.add(principal);
    }
    return [...found].sort();
  }
}

function boundBy({ metadata: { labels = {} }, subjects = [] }: RoleBinding): Bound | undefined {
  const { [IAM.kind]: kind = '', [IAM.resource]: resource = '' } = labels;
  const service = Object.hasOwn(KINDS, kind) ? KINDS[kind]?.(resource) : undefined;
  if (service === undefined || (service === ALL && kind !== 'project')) return undefined;
  return { service, principals: subjects.flatMap((subject) => principalOf(subject) ?? []) };
}
