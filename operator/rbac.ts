import { compareTexts } from './kube/json.ts';

/** One rule of what a part may do in the cluster, declared beside the code that does it (Kubernetes: RBAC). */
export interface Permission {
  /** `''` is the core group. */
  apiGroups: readonly string[];
  /** `pods`, `pods/status`. */
  resources: readonly string[];
  verbs: readonly string[];
  /** Only objects of these names; all when left out. Never together with the verb create, which knows no name yet. */
  resourceNames?: readonly string[];
}

/** A rule for one group, as it stands in a generated Role. */
export interface Rule {
  apiGroups: [string];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

/**
 * The rules of several parts as one list: each resource once with all verbs that any part asks for, resources
 * with equal verbs in one rule, everything sorted, so that the same needs always give the same text.
 */
export function mergePermissions(permissions: readonly Permission[]): Rule[] {
  const verbsOf = new Map<string, Map<string, Set<string>>>();
  for (const { apiGroups, resources, verbs, resourceNames = [] } of permissions) {
    for (const group of apiGroups) {
      const scope = [group, ...[...resourceNames].sort()].join(SEPARATOR);
      const inGroup = getOrAdd(verbsOf, scope, () => new Map<string, Set<string>>());
      for (const resource of resources) {
        const known = getOrAdd(inGroup, resource, () => new Set<string>());
        for (const verb of verbs) known.add(verb);
      }
    }
  }
  return [...verbsOf]
    .sort(([a], [b]) => compareTexts(a, b))
    .flatMap(([scope, resources]) => rulesOf(scope, resources));
}

/** Between a group and the names of objects: part of neither, and sorted before everything that is. */
const SEPARATOR = '\0';

function rulesOf(scope: string, resources: Map<string, Set<string>>): Rule[] {
  const [group = '', ...resourceNames] = scope.split(SEPARATOR);
  const byVerbs = new Map<string, string[]>();
  for (const [resource, verbs] of [...resources].sort(([a], [b]) => compareTexts(a, b))) {
    getOrAdd(byVerbs, [...verbs].sort().join(' '), () => [] as string[]).push(resource);
  }
  return [...byVerbs].map(([verbs, names]) => ({
    apiGroups: [group],
    resources: names,
    verbs: verbs.split(' '),
    ...(resourceNames.length > 0 ? { resourceNames } : {}),
  }));
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
