import { deepEqual, equal, rejects } from 'node:assert/strict';
import { EXECUTIONS } from '../../apis/run/execution/types.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { WORKER_POOLS } from '../../apis/run/workerPool/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { FakeApiServer, isWrite, Rejection } from '../../testing/fakeApiServer.ts';
import type { ApiError } from '../errors.ts';
import { KubeResources } from './kubeResources.ts';

const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const PERSON = { name: 'ada', groups: [] };
const RUNNING: readonly ResourceType<KubeObject>[] = [SERVICES, JOBS, WORKER_POOLS];

describe('a deployment by one who may not act as its identity', () => {
  let server: FakeApiServer;
  let resources: KubeResources;

  beforeEach(async () => {
    server = await FakeApiServer.start({ types: [...RUNNING, EXECUTIONS] });
    server.documents.set(ACCESS_REVIEWS, { status: { allowed: false } });
    resources = new KubeResources(server.client, PERSON, 'demo', { serviceAccounts: {} });
  });
  afterEach(() => server.close());

  const objectOf = ({ apiVersion, kind }: ResourceType): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: 'hello', namespace: 'demo' },
  });
  /** Writes as far as they have an effect. */
  const effects = () =>
    server.requests.filter(
      (request) =>
        isWrite(request) && request.path !== ACCESS_REVIEWS && request.query.get('dryRun') !== 'All',
    );
  const denied = (error: ApiError) => {
    equal(
      error.message,
      "Permission 'iam.serviceaccounts.actAs' denied on service account default (or it may not exist).",
    );
    deepEqual(
      [error.code, error.details],
      [
        'PERMISSION_DENIED',
        [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'IAM_PERMISSION_DENIED',
            domain: 'iam.googleapis.com',
            metadata: {
              permission: 'iam.serviceAccounts.actAs',
              resource: 'namespaces/demo/serviceaccounts/default',
            },
          },
        ],
      ],
    );
    return true;
  };

  for (const type of RUNNING) {
    it(`is refused and changes nothing: ${type.kind}`, async () => {
      await rejects(resources.create(type, objectOf(type)), denied);
      server.put(objectOf(type));
      await rejects(resources.replace(type, objectOf(type)), denied);
      await rejects(resources.create(type, objectOf(type)), denied, 'whatever else is wrong with it');
      deepEqual(effects(), []);
      const asked = server.requests.find(({ path }) => path === ACCESS_REVIEWS)?.body as object;
      deepEqual((asked as { spec: object }).spec, {
        resourceAttributes: {
          namespace: 'demo',
          group: '',
          resource: 'serviceaccounts',
          verb: 'use',
          name: 'default',
        },
      });
    });

    it(`is refused for the right to write it where that is missing too: ${type.kind}`, async () => {
      const [group] = type.apiVersion.split('/');
      const words = `${type.plural}.${group} is forbidden: User "ada" cannot create resource "${type.plural}"`;
      server.failNext(new Rejection(403, 'Forbidden', words), ({ path }) => path !== ACCESS_REVIEWS);
      await rejects(resources.create(type, objectOf(type)), (error: ApiError) => {
        const [detail] = error.details as { metadata: { permission: string } }[];
        equal(detail?.metadata.permission, `run.${type.plural}.create`);
        return true;
      });
    });
  }

  it('goes on where nothing runs by it, as where a job is run', async () => {
    await resources.create<KubeObject>(EXECUTIONS, objectOf(EXECUTIONS));
    equal(effects().length, 1);
  });
});
