import assert from 'node:assert/strict';
import { type Condition, conditionOf } from '../../apis/condition.ts';
import { type Config, parseConfig } from '../../config.ts';
import { domainMapping } from '../../testing/domains.ts';
import { assertGolden } from '../../testing/golden.ts';
import { EPOCH, route } from '../../testing/serving.ts';
import { orphaned } from './child.ts';
import type { HttpRoute } from './gatewayApi.ts';
import { desiredHttpRoute, HTTP_ROUTE, type HttpRouteState } from './httpRoute.ts';
import { type DomainMappingInput, planChildren, planDomainMapping } from './plan.ts';

type ParentRef = Config['gatewayApi']['parentRefs'][number];
type Answer = NonNullable<NonNullable<HttpRoute['status']>['parents']>[number];

const EDGE: ParentRef = { name: 'edge', namespace: 'infra' };
const INNER: ParentRef = { name: 'inner', sectionName: 'https' };
const configOf = (...parentRefs: ParentRef[]) =>
  parseConfig({ domain: 'run.example.com', gatewayApi: { parentRefs } });
const config = configOf(EDGE);
const HOST = 'www.example.com';
const serving = { ...route(), status: { traffic: [{ revisionName: 'hello-1', percent: 100 }] } };

/** A mapping whose status says that it has its domain. */
function holder(namespace = 'demo') {
  return { ...domainMapping(HOST, {}, { namespace }), status: { mappedRouteName: 'hello' } };
}

function httpRoute(parents: Answer[] = [], namespace = 'demo', settings = config): HttpRoute {
  return { ...desiredHttpRoute(holder(namespace), settings.gatewayApi), status: { parents } };
}

function answer(parentRef: ParentRef, ...conditions: Condition[]): Answer {
  return { parentRef, conditions };
}

const ACCEPTED: Condition = { type: 'Accepted', status: 'True', reason: 'Accepted' };
const RESOLVED: Condition = { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs' };
const NOT_ALLOWED: Condition = {
  type: 'Accepted',
  status: 'False',
  reason: 'NotAllowedByListeners',
  message: 'no listener takes\nroutes of this namespace',
};
const NO_BACKEND: Condition = { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound' };

const { labels: _, ...unlabelled } = httpRoute().metadata;
const FOREIGN: HttpRoute = { ...httpRoute(), metadata: unlabelled };
const NOT_INSTALLED = 'the Gateway API is not installed in this cluster';

interface PlanCase extends Partial<DomainMappingInput> {
  reason: string;
  config?: Config;
  does: 'applies' | 'removes' | 'nothing';
}

const PLANS: Record<string, PlanCase> = {
  'a mapping that has its domain': { reason: 'the gateways serve it', does: 'applies' },
  'a mapping without a certificate': {
    reason: 'the two have nothing to do with each other',
    mapping: { ...holder(), spec: { routeName: 'hello', certificateMode: 'NONE' } },
    does: 'applies',
  },
  'a mapping that is new': {
    reason: 'of two that claim one domain both would lead it here',
    mapping: domainMapping(HOST),
    does: 'nothing',
  },
  'no parents any more': {
    reason: 'the right to delete it went with the value',
    config: configOf(),
    httpRoute: { found: httpRoute() },
    does: 'nothing',
  },
  'no Gateway API': {
    reason: 'there is nothing to write it to',
    httpRoute: { unavailable: NOT_INSTALLED },
    does: 'nothing',
  },
  'a domain of another': {
    reason: 'whoever has it has a route',
    takenBy: "service 'other/x'",
    httpRoute: { found: httpRoute() },
    does: 'removes',
  },
  'a route of one that had the domain': {
    reason: 'the domain stays reachable when it changes hands',
    httpRoute: { found: httpRoute([], 'other') },
    does: 'applies',
  },
  'a route that a person made': {
    reason: 'it is not Homerun’s',
    httpRoute: { found: FOREIGN },
    does: 'nothing',
  },
};

interface ConditionCase {
  reason: string;
  state: HttpRouteState;
  config?: Config;
  /** Status and reason of HTTPRouteAccepted; undefined when there is no such condition. */
  want: [status: string, reason: string | undefined] | undefined;
  why?: string;
}

const WHAT = `HTTPRoute 'www.example.com-mapping' in namespace 'homerun-system'`;

const CONDITIONS: Record<string, ConditionCase> = {
  'no parents': { reason: 'it concerns nothing here', state: {}, config: configOf(), want: undefined },
  'not made': {
    reason: 'the next reconcile makes it',
    state: {},
    want: ['Unknown', 'HTTPRouteNotReady'],
    why: `${WHAT} is made when the domain leads to the service.`,
  },
  'no answer': {
    reason: 'the Gateway may not exist',
    state: { found: httpRoute() },
    want: ['Unknown', 'HTTPRouteNotReady'],
    why: "Gateway 'infra/edge' has not answered yet.",
  },
  accepted: {
    reason: 'the parent leads the domain here',
    state: { found: httpRoute([answer(EDGE, RESOLVED, ACCEPTED)]) },
    want: ['True', undefined],
  },
  'accepted under the name with all defaults': {
    reason: 'the API server fills them in',
    state: {
      found: httpRoute([
        answer({ ...EDGE, group: 'gateway.networking.k8s.io', kind: 'Gateway' }, ACCEPTED, RESOLVED),
      ]),
    },
    want: ['True', undefined],
  },
  'an answer of another parent': {
    reason: 'a route of before a change of the values keeps it for a moment',
    state: { found: httpRoute([answer({ ...EDGE, sectionName: 'http' }, ACCEPTED)]) },
    want: ['Unknown', 'HTTPRouteNotReady'],
  },
  'not accepted': {
    reason: 'the Gateway says why',
    state: { found: httpRoute([answer(EDGE, NOT_ALLOWED, RESOLVED)]) },
    want: ['False', 'HTTPRouteNotAccepted'],
    why: "Gateway 'infra/edge' says NotAllowedByListeners: no listener takes routes of this namespace.",
  },
  'accepted, and no Service': {
    reason: 'such requests get a 500',
    state: { found: httpRoute([answer(EDGE, ACCEPTED, NO_BACKEND)]) },
    want: ['False', 'HTTPRouteNotAccepted'],
    why: "Gateway 'infra/edge' says BackendNotFound.",
  },
  'accepted by one of two controllers': {
    reason: 'one that leads the domain here is enough',
    state: { found: httpRoute([answer(EDGE, NOT_ALLOWED), answer(EDGE, ACCEPTED)]) },
    want: ['True', undefined],
  },
  'accepted by one of two parents': {
    reason: 'each is a way for clients',
    config: configOf(EDGE, INNER),
    state: { found: httpRoute([answer(EDGE, ACCEPTED)], 'demo', configOf(EDGE, INNER)) },
    want: ['Unknown', 'HTTPRouteNotReady'],
    why: "section 'https' of Gateway 'homerun-system/inner' has not answered yet.",
  },
  'not accepted by the second of two that are silent or refuse': {
    reason: 'a refusal says more',
    config: configOf(EDGE, INNER),
    state: { found: httpRoute([answer(INNER, NO_BACKEND)], 'demo', configOf(EDGE, INNER)) },
    want: ['False', 'HTTPRouteNotAccepted'],
  },
  "another's": {
    reason: 'it is of another mapping',
    state: { found: httpRoute([answer(EDGE, ACCEPTED)], 'other') },
    want: ['Unknown', 'HTTPRouteNotReady'],
  },
  refused: {
    reason: 'the cluster says why',
    state: { refused: 'this domain is not for you' },
    want: ['False', 'HTTPRouteNotAccepted'],
    why: `the cluster refuses ${WHAT}: this domain is not for you.`,
  },
  'made by a person': {
    reason: 'it is not taken over',
    state: { found: FOREIGN },
    want: ['False', 'HTTPRouteNotOwned'],
    why: `${WHAT} exists and was made for something else.`,
  },
  'no Gateway API': {
    reason: 'it may be installed later',
    state: { unavailable: NOT_INSTALLED },
    want: ['False', 'GatewayAPIMissing'],
    why: `${NOT_INSTALLED}.`,
  },
};

describe('the HTTPRoute of a domain mapping', () => {
  it('is what Gateways ask for', () => {
    const { gatewayApi } = configOf(EDGE, INNER);
    assertGolden(
      new URL('./golden/httpRoute.golden.yaml', import.meta.url),
      desiredHttpRoute(holder(), gatewayApi),
      desiredHttpRoute(domainMapping(`${'long.'.repeat(20)}example.com`), {
        ...gatewayApi,
        namespace: 'run',
        port: 8080,
      }),
    );
  });

  for (const [name, { reason, does, config: settings = config, ...input }] of Object.entries(PLANS)) {
    it(`${does}: ${name}, because ${reason}`, () => {
      const given = { mapping: holder(), route: serving, ...input };
      const { apply, remove } = planChildren(given, settings).httpRoute;
      const done = [...apply.map(() => 'applies'), ...remove.map(() => 'removes')];
      assert.deepEqual(done, does === 'nothing' ? [] : [does]);
    });
  }

  for (const [name, { reason, state, want, why, config: settings = config }] of Object.entries(CONDITIONS)) {
    it(`says ${want?.[0] ?? 'nothing'}: ${name}, because ${reason}`, () => {
      const input = { mapping: holder(), route: serving, httpRoute: state };
      const { status: { conditions = [], mappedRouteName } = {} } =
        planDomainMapping(input, settings, EPOCH).status ?? {};
      const condition = conditionOf(conditions, 'HTTPRouteAccepted');
      assert.deepEqual(condition && [condition.status, condition.reason], want);
      assert.equal(condition?.severity, condition?.reason && 'Warning');
      if (why) assert.equal(condition?.message, `The HTTPRoute for '${HOST}' is not accepted: ${why}`);
      const others = ['DomainRoutable', 'Ready'].map((type) => conditionOf(conditions, type)?.status);
      assert.deepEqual([mappedRouteName, ...others], ['hello', 'True', 'True'], 'it is served in any case');
    });
  }

  it('is removed with its mapping, and no other', () => {
    const removed = (found?: HttpRoute) => orphaned(HTTP_ROUTE, `demo/${HOST}`, found).length;
    assert.deepEqual([httpRoute(), httpRoute([], 'other'), FOREIGN, undefined].map(removed), [1, 0, 0, 0]);
  });
});
