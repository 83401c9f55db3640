import { type Condition, conditionOf, isFalse, isTrue } from '../../apis/condition.ts';
import type { Config } from '../../config.ts';
import { type KubeObject, namespaced } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';

// What is read and written of the Gateway API (Gateway API, HTTPRoute).

type ParentRef = Config['gatewayApi']['parentRefs'][number];

/** What leads the requests for some hosts from a Gateway to a Service. */
export interface HttpRoute extends KubeObject {
  spec: {
    parentRefs?: ParentRef[];
    hostnames?: string[];
    rules?: { backendRefs?: { name: string; port?: number }[] }[];
  };
  /** What each parent says of it. */
  status?: { parents?: { parentRef: ParentRef; conditions?: Condition[] }[] };
}

export const HTTP_ROUTES = namespaced<HttpRoute>('gateway.networking.k8s.io/v1', 'HTTPRoute', 'httproutes');

/** In the operator's own namespace, where the values name parents. */
export const httpRoutePermissions: readonly Permission[] = [
  {
    apiGroups: ['gateway.networking.k8s.io'],
    resources: ['httproutes'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  },
];

/** Which parents lead the domains of mappings to the gateways, and by which Service; undefined when none do. */
export function routingOf({ gatewayApi }: Pick<Config, 'gatewayApi'>): Config['gatewayApi'] | undefined {
  return gatewayApi.parentRefs.length === 0 ? undefined : gatewayApi;
}

/** What the parents of an HTTPRoute say of it. */
export interface Acceptance {
  status: 'accepted' | 'rejected' | 'pending';
  /** Unset when it is accepted by all. */
  message?: string;
}

/** Whether all parents of a route accept it and find its Service (Gateway API, conditions Accepted and ResolvedRefs). */
export function acceptanceOf({ metadata: { namespace = '' }, spec, status }: HttpRoute): Acceptance {
  const said = (spec.parentRefs ?? []).map((parent): Acceptance => {
    const own = status?.parents?.filter(({ parentRef }) => isSame(parentRef, parent, namespace)) ?? [];
    return acceptanceBy(
      parentText(parent, namespace),
      own.map(({ conditions }) => conditions ?? []),
    );
  });
  const decisive = said.find(({ status }) => status === 'rejected') ?? said.find(({ message }) => message);
  return decisive ?? { status: 'accepted' };
}

/** @param answers the conditions of each controller that has said something for a parent; one that accepts is enough. */
function acceptanceBy(parent: string, answers: Condition[][]): Acceptance {
  const faults = answers.map((conditions) =>
    ['Accepted', 'ResolvedRefs'].map((type) => conditionOf(conditions, type)).find(isFalse),
  );
  const isAccepted = answers.some(
    (conditions, at) => !faults[at] && isTrue(conditionOf(conditions, 'Accepted')),
  );
  if (isAccepted) return { status: 'accepted' };
  const fault = faults.find((found) => found !== undefined);
  if (!fault) return { status: 'pending', message: `${parent} has not answered yet` };
  const { reason, message } = fault;
  return { status: 'rejected', message: `${parent} says ${[reason, message].filter(Boolean).join(': ')}` };
}

/** Whether two references name one parent; the API server fills in what one leaves out. */
function isSame(a: ParentRef, b: ParentRef, namespace: string): boolean {
  const [one, other] = [a, b].map((parent) => {
    const { group = 'gateway.networking.k8s.io', kind = 'Gateway', name, sectionName, port } = parent;
    return JSON.stringify([group, kind, parent.namespace ?? namespace, name, sectionName ?? '', port ?? 0]);
  });
  return one === other;
}

function parentText(
  { kind = 'Gateway', name, sectionName, ...parent }: ParentRef,
  namespace: string,
): string {
  const section = sectionName === undefined ? '' : `section '${sectionName}' of `;
  return `${section}${kind} '${parent.namespace ?? namespace}/${name}'`;
}
