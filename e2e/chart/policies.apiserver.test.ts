import { equal, match, ok } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { IDLE_CPU_ANNOTATION } from '../../operator/apis/serving/revision/idleCpu.ts';
import { deployment, REF } from '../../operator/autoscaler/testing/objects.ts';
import {
  AFFINITY_SECRET,
  affinityKeyOf,
  affinitySecret,
} from '../../operator/gateway/control/affinityKey.ts';
import { resourcePath } from '../../operator/kube/client.ts';
import {
  BATCH_JOBS,
  CORE_SERVICES,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  NAMESPACES,
  PODS,
  type Pod,
  SECRETS,
  SERVICE_ACCOUNTS,
} from '../../operator/kube/core.ts';
import { isKubeError } from '../../operator/kube/errors.ts';
import { resizePod } from '../../operator/kube/resize.ts';
import type { KubeObject, ObjectRef, ResourceType } from '../../operator/kube/types.ts';
import { requestToken } from '../../operator/metadata/tokens.ts';
import type { Role } from '../../operator/roles.ts';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { until } from '../../operator/testing/until.ts';
import { asRole } from './accounts.ts';
import { NAMESPACE } from './helm.ts';
import { installation } from './installation.ts';

const { namespace } = REF;
const LABELS = { 'serving.knative.dev/revision': 'hello' };
const MARK = 'homerun.dev/eviction-requested-at';

/** What RBAC lets Homerun's accounts do and the chart's policies do not, tried on a real API server. */
describe("the policies for Homerun's own accounts", () => {
  let server: ApiServer;

  before(async function () {
    this.timeout(900_000);
    server = await installation();
    await server.client.create(NAMESPACES, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    for (const each of [namespace, NAMESPACE, 'kube-system']) await account(each);
    await server.client.create(DEPLOYMENTS, deployment(0));
    await server.client.create(DEPLOYMENTS, stranger());
    await server.client.create(PODS, running('ours', namespace, LABELS));
    await server.client.create(PODS, running('theirs', namespace));
    for (const each of [NAMESPACE, 'kube-system'])
      await server.client.create(PODS, running('ours', each, LABELS));
    const isRefused = () => refusal(wake(stranger().metadata)).then(({ denied }) => denied);
    await until('the policies to count', isRefused);
  });

  const as = (role: Role) => asRole(server, role);
  const account = (at: string) =>
    server.client.create(SERVICE_ACCOUNTS, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace: at, name: 'worker' },
    });

  function running(name: string, at: string, labels?: Record<string, string>): Pod {
    const containers = [{ name: 'app', image: 'app' }];
    const metadata = { name, namespace: at, labels };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { serviceAccountName: 'worker', containers },
    } as Pod;
  }

  /** A Deployment that somebody else has made. */
  function stranger() {
    const made = deployment(0);
    const labels = { app: 'stranger' };
    const { spec } = made as { spec: object };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app' }] } };
    const metadata = { namespace, name: 'stranger', labels };
    return {
      ...made,
      metadata,
      spec: { ...spec, selector: { matchLabels: labels }, template },
    } as typeof made;
  }

  const scaled = (role: Role, ref: ObjectRef, replicas: number, more: object = {}) =>
    as(role).mergePatch(DEPLOYMENTS, ref, { ...more, spec: { replicas } }, { subresource: 'scale' });
  const wake = (ref: ObjectRef, more?: object) => scaled('gateway', ref, 1, more);

  /** What somebody was refused with, and whether it was by a policy. */
  async function refusal(attempt: Promise<unknown>): Promise<{ denied: boolean; message: string }> {
    try {
      await attempt;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return { denied: /ValidatingAdmissionPolicy 'homerun-/.test(error.message), message: error.message };
    }
    return { denied: false, message: 'it was not refused' };
  }

  async function isDenied(attempt: Promise<unknown>, because: RegExp): Promise<void> {
    const { denied, message } = await refusal(attempt);
    ok(denied, message);
    match(message, because);
  }

  describe('numbers of instances', () => {
    const ref = deployment(0).metadata;
    const notOurs = /scales only Deployments that it has made of revisions/;

    it('of a revision: the gateway wakes it, and sets no other number', async () => {
      await isDenied(scaled('gateway', ref, 2), /from no instance to one/);
      await wake(ref);
      await isDenied(scaled('gateway', ref, 0), /from no instance to one/);
      await isDenied(scaled('gateway', ref, 3), /from no instance to one/);
      await scaled('controller', ref, 3);
      await scaled('controller', ref, 0);
    });

    it('of somebody else’s Deployment are not touched, whatever selector is sent along', async () => {
      await isDenied(wake(stranger().metadata), notOurs);
      await isDenied(scaled('controller', stranger().metadata, 1), notOurs);
      const status = { selector: 'serving.knative.dev/revisionUID=1' };
      await isDenied(wake(stranger().metadata, { status }), notOurs);
    });
  });

  describe('the CPU of instances', () => {
    const only = /restores the CPU request of an idle instance/;
    const resources = (cpu: string) => ({
      limits: { cpu: '1', memory: '128Mi' },
      requests: { cpu, memory: '64Mi' },
    });

    /** An instance whose container and sidecar ask for so much. */
    async function idle(name: string, app: string, side: string, labels?: Record<string, string>) {
      const { metadata, spec } = running(name, namespace, labels);
      const annotations = { [IDLE_CPU_ANNOTATION]: '{"app":"100m","side":"50m"}' };
      const containers = [{ name: 'app', image: 'app', resources: resources(app) }];
      const initContainers = [
        { name: 'side', image: 'side', restartPolicy: 'Always', resources: resources(side) },
      ];
      const pod = { ...metadata, annotations };
      await server.client.create(PODS, {
        ...running(name, namespace, labels),
        metadata: pod,
        spec: { ...spec, containers, initContainers },
      } as Pod);
      return pod;
    }
    const resize = (role: Role, metadata: ObjectRef, app: object, side?: object) =>
      resizePod(
        as(role),
        { metadata },
        {
          spec: {
            containers: [{ name: 'app', resources: app }],
            ...(side && { initContainers: [{ name: 'side', resources: side }] }),
          },
        },
      );
    const requests = (cpu: string) => ({ requests: { cpu } });

    it('is restored by the gateway, in the sidecar too, or in a part', async () => {
      const both = await idle('restored', '1m', '1m', LABELS);
      await resize('gateway', both, requests('100m'), requests('50m'));
      const [app] = (await server.client.get(PODS, both))?.spec?.containers ?? [];
      equal(app?.resources?.requests?.cpu, '100m');
      await resize('gateway', both, requests('100m'));
      await resize('gateway', await idle('part', '1m', '50m', LABELS), requests('100m'));
    });

    const changes: Record<string, [app: object, side?: object]> = {
      'to another number': [requests('200m')],
      'to the number of another container': [requests('50m')],
      'with its limit': [{ ...requests('100m'), limits: { cpu: '2' } }],
      'with its memory': [{ requests: { cpu: '100m', memory: '96Mi' } }],
      'in its limit alone': [{ limits: { cpu: '2' } }],
      'in its memory alone': [{ limits: { memory: '256Mi' } }],
      'in the sidecar to another number': [requests('100m'), requests('60m')],
    };
    for (const [how, change] of Object.entries(changes)) {
      it(`is not restored by the gateway ${how}`, async () => {
        const lowered = await idle(`lowered-${how.replaceAll(' ', '-')}`, '1m', '1m', LABELS);
        await isDenied(resize('gateway', lowered, ...change), only);
      });
    }

    it('is not changed by the gateway where it is not lowered, or was not by the controller', async () => {
      const full = await idle('full', '100m', '50m', LABELS);
      await isDenied(resize('gateway', full, requests('1m')), only);
      await isDenied(resize('gateway', full, requests('50m')), only);
      const made = running('never-lowered', namespace, LABELS);
      const containers = [{ name: 'app', image: 'app', resources: resources('1m') }];
      await server.client.create(PODS, { ...made, spec: { ...made.spec, containers } } as Pod);
      await isDenied(resize('gateway', made.metadata, requests('100m')), only);
    });

    it('is lowered by the controller, and stays as it is in a pod that is no instance', async () => {
      await resize('controller', await idle('awake', '100m', '50m', LABELS), requests('1m'));
      const stranger = await idle('theirs-idle', '1m', '1m');
      for (const role of ['controller', 'gateway'] as const)
        await isDenied(resize(role, stranger, requests('100m')), /changes only what it has made/);
    });
  });

  describe('Secrets', () => {
    const ref = { namespace: NAMESPACE, name: AFFINITY_SECRET };
    const only = /makes three Secrets of its own/;
    const token = {
      type: 'kubernetes.io/service-account-token',
      metadata: { ...ref, annotations: { 'kubernetes.io/service-account.name': 'worker' } },
    };

    it('of another name or with the token of an account are not made', async () => {
      const made = affinitySecret(ref, randomBytes(32));
      for (const role of ['api', 'controller', 'webhook'] as const) {
        await isDenied(as(role).create(SECRETS, { ...made, metadata: { ...ref, name: 'other' } }), only);
        await isDenied(as(role).create(SECRETS, { ...made, ...token }), only);
      }
    });

    it('with their certificates are made by the webhook and the Admin API', async () => {
      for (const role of ['api', 'webhook'] as const) {
        const made = affinitySecret({ ...ref, name: `homerun-${role}-cert` }, randomBytes(32));
        ok(await as(role).create(SECRETS, made));
      }
    });

    it('with the key of affinity cookies are made by the controller and read by the gateway', async () => {
      await as('controller').create(SECRETS, affinitySecret(ref, randomBytes(32)));
      const fieldSelector = `metadata.name=${AFFINITY_SECRET}`;
      const { items } = await as('gateway').list(SECRETS, { namespace: NAMESPACE, fieldSelector });
      ok(affinityKeyOf(items[0]));
      const [present] = items;
      await as('controller').replace(SECRETS, affinitySecret(ref, randomBytes(32), present));
      const attempts: (() => Promise<unknown>)[] = [
        () => as('gateway').get(SECRETS, { namespace: NAMESPACE, name: 'homerun-webhook-cert' }),
        () => as('gateway').list(SECRETS, { namespace: NAMESPACE }),
        () => as('gateway').replace(SECRETS, affinitySecret(ref, randomBytes(32), present)),
        () => as('gateway').create(SECRETS, affinitySecret({ ...ref, name: 'more' }, randomBytes(32))),
      ];
      for (const attempt of attempts) match((await refusal(attempt())).message, /homerun-gateway" cannot/);
    });
  });

  describe('tokens', () => {
    const token = async (name: string, at: string) => {
      const found = await server.client.get(PODS, { namespace: at, name });
      return requestToken(as('metadata'), found as Pod, 'https://a.example');
    };
    const tokenOf = (spec: object) =>
      as('metadata').request('POST', resourcePath(SERVICE_ACCOUNTS, { namespace, name: 'worker' }, 'token'), {
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
      });

    it('are for the account that an instance runs as', async () => {
      ok((await token('ours', namespace)).value);
    });

    it('are for no account of Homerun’s own namespace or the cluster’s', async () => {
      await isDenied(token('ours', NAMESPACE), /there is no instance in this namespace/);
      await isDenied(token('ours', 'kube-system'), /there is no instance in this namespace/);
    });

    it('are bound to a pod, which must run as the account', async () => {
      const audiences = ['https://a.example'];
      await isDenied(tokenOf({ audiences }), /bound to the pod/);
      const secret = { apiVersion: 'v1', kind: 'Secret', name: 'ours', uid: '1' };
      await isDenied(tokenOf({ audiences, boundObjectRef: secret }), /bound to the pod/);
      const nameless = { apiVersion: 'v1', kind: 'Pod', name: 'ours' };
      await isDenied(tokenOf({ audiences, boundObjectRef: nameless }), /bound to the pod/);
      const missing = { apiVersion: 'v1', kind: 'Pod', name: 'missing', uid: '1' };
      match((await refusal(tokenOf({ audiences, boundObjectRef: missing }))).message, /not found/);
    });

    it('are never for the API server itself', async () => {
      const { metadata } = (await server.client.get(PODS, { namespace, name: 'ours' })) as Pod;
      const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'ours', uid: metadata.uid };
      const notForIt = /not for the cluster's API server/;
      await isDenied(tokenOf({ audiences: [], boundObjectRef }), notForIt);
      const audiences = ['https://a.example', 'https://kubernetes.default.svc'];
      await isDenied(tokenOf({ audiences, boundObjectRef }), notForIt);
    });
  });

  describe('objects', () => {
    const foreign = /changes only what it has made/;
    const metadata = (name: string, labels?: Record<string, string>) => ({ namespace, name, labels });
    const core = (name: string, labels?: Record<string, string>) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(name, labels),
      spec: { type: 'ExternalName', externalName: 'a.example' },
    });
    const batch = (name: string, labels?: Record<string, string>) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadata(name, labels),
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'app' }] } } },
    });

    const made: Record<string, { type: ResourceType; object: (labels?: Record<string, string>) => object }> =
      {
        Service: { type: CORE_SERVICES, object: (labels) => core('made', labels) },
        PodDisruptionBudget: {
          type: DISRUPTION_BUDGETS,
          object: (labels) => ({
            apiVersion: 'policy/v1',
            kind: 'PodDisruptionBudget',
            metadata: metadata('made', labels),
            spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'stranger' } } },
          }),
        },
        Job: { type: BATCH_JOBS, object: (labels) => batch('made', labels) },
        Deployment: {
          type: DEPLOYMENTS,
          object: (labels) => ({ ...stranger(), metadata: metadata('made', labels) }),
        },
      };
    for (const [kind, { type, object }] of Object.entries(made)) {
      it(`of kind ${kind} are made as what they are made of says, and somebody else’s stay as they are`, async () => {
        const apply = (labels?: Record<string, string>) =>
          as('controller').apply(type, object(labels) as KubeObject, { fieldManager: 'homerun-test' });
        await isDenied(apply(), foreign);
        await apply({ 'serving.knative.dev/route': 'hello' });
        await server.client.delete(type, { namespace, name: 'made' });
        await server.client.create(type, object() as KubeObject);
        await isDenied(apply({ 'serving.knative.dev/route': 'hello' }), foreign);
      });
    }

    it('of kind Pod are deleted and marked where they are instances', async () => {
      const mark = { metadata: { annotations: { [MARK]: '2026-01-01T00:00:00Z' } } };
      for (const role of ['controller', 'webhook'] as const) {
        await as(role).mergePatch(PODS, { namespace, name: 'ours' }, mark);
        await isDenied(as(role).mergePatch(PODS, { namespace, name: 'theirs' }, mark), foreign);
      }
      await isDenied(as('controller').delete(PODS, { namespace, name: 'theirs' }), foreign);
      await server.client.create(PODS, running('spent', namespace, LABELS));
      await as('controller').delete(PODS, { namespace, name: 'spent' }, { gracePeriodSeconds: 0 });
    });

    const changes: Record<string, object> = {
      'its image': { spec: { containers: [{ name: 'app', image: 'other' }] } },
      'its labels': { metadata: { labels: { more: 'x' } } },
      'another annotation': { metadata: { annotations: { more: 'x' } } },
      'its owner': {
        metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'b' }] },
      },
      'its finalizers': { metadata: { finalizers: ['a.example/b'] } },
    };
    for (const [what, change] of Object.entries(changes)) {
      it(`of kind Pod: the webhook does not change ${what}`, async () => {
        const patch = as('webhook').mergePatch(PODS, { namespace, name: 'ours' }, change);
        await isDenied(patch, /changes nothing else of a pod/);
      });
    }
  });

  it('bind no other account', async () => {
    await server.client.mergePatch(
      DEPLOYMENTS,
      stranger().metadata,
      { spec: { replicas: 5 } },
      { subresource: 'scale' },
    );
    await server.client.create(PODS, running('anybodys', namespace));
    await server.client.delete(PODS, { namespace, name: 'anybodys' }, { gracePeriodSeconds: 0 });
    equal((await server.client.get(DEPLOYMENTS, stranger().metadata))?.spec?.replicas, 5);
  });
});
