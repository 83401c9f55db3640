/** An attempt at an argument that the API refuses. */
export interface Refusal {
  /** The resource with it, in the JSON syntax, without name and location. */
  resource: object;
  /** What the error says; it names the field as the API does. */
  says: RegExp;
}

type Refusals = Readonly<Record<string, Refusal>>;

/** The service, job and worker pool that exist, and whose policies are tried to be changed. */
export const EXISTING = 'existing';

const IMAGE = 'gcr.io/shop/web:1';

type Json = Readonly<Record<string, unknown>>;

const instances = (own: Json, template: Json = {}, container: Json = {}): Json => ({
  deletion_protection: false,
  template: { containers: { image: IMAGE, ...container }, ...template },
  ...own,
});

const job = (own: Json): Json => ({
  deletion_protection: false,
  template: { template: { containers: { image: IMAGE } } },
  ...own,
});

const serviceV1 = (container: Json): Json => ({
  template: { spec: { containers: { image: IMAGE, ...container } } },
});

const SANDBOX: Json = {
  name: 'tool',
  image: IMAGE,
  command: ['/tool'],
  args: ['--fast'],
  working_dir: '/srv',
  env: { name: 'MODE', value: 'test' },
  volume_mounts: { name: 'scratch', mount_path: '/scratch', sub_path: 'tool' },
};
const SOURCE: Json = { local_object_reference: { name: 'settings' }, optional: true };
const TAGS: Json = { tags: { '123456789012/env': 'test' } };
const CONDITION: Json = { condition: { title: 'office', expression: 'true', description: 'in the office' } };

const condition = (of: 'name' | 'service', who: Json): Refusals => ({
  condition: {
    resource: { [of]: EXISTING, role: 'roles/run.invoker', ...who, ...CONDITION },
    says: /policy\.bindings\[0\]\.condition: conditions are not supported/,
  },
});
const MEMBER: Json = { member: 'user:alice@example.test' };
const MEMBERS: Json = { members: ['user:alice@example.test'] };

/** By resource and argument; support.ts says why. */
export const REFUSALS: Readonly<Record<string, Refusals>> = {
  google_cloud_run_v2_service: {
    'template.containers.readiness_probe.success_threshold': {
      resource: instances({}, {}, { readiness_probe: { success_threshold: 2, grpc: {} } }),
      says: /service\.template\.containers\[0\]\.readinessProbe\.successThreshold: there is no such field/,
    },
    'template.containers.sandbox_launcher': {
      resource: instances({}, {}, { sandbox_launcher: true }),
      says: /service\.template\.containers\[0\]\.sandboxLauncher: there is no such field/,
    },
    'template.sandboxes': {
      resource: instances({}, { sandboxes: { templates: SANDBOX } }),
      says: /service\.template\.sandboxes: there is no such field/,
    },
    // Of which its makers say that `multi_region_settings` must go with it.
    location: {
      resource: { ...instances({}), location: 'global' },
      says: /location: is "global"; it must be /,
    },
    tags: { resource: instances(TAGS), says: /service\.tags: there is no such field/ },
  },
  google_cloud_run_v2_job: {
    tags: { resource: job(TAGS), says: /job\.tags: there is no such field/ },
  },
  google_cloud_run_v2_worker_pool: {
    'template.containers.sandbox_launcher': {
      resource: instances({}, {}, { sandbox_launcher: true }),
      says: /workerPool\.template\.containers\[0\]\.sandboxLauncher: there is no such field/,
    },
    'template.client': {
      resource: instances({}, { client: 'terraform' }),
      says: /workerPool\.template\.client: there is no such field/,
    },
    'template.client_version': {
      resource: instances({}, { client_version: '1.0' }),
      says: /workerPool\.template\.clientVersion: there is no such field/,
    },
    'scaling.max_instance_count': {
      resource: instances({ scaling: { max_instance_count: 2 } }),
      says: /workerPool\.scaling\.maxInstanceCount: there is no such field/,
    },
    'scaling.min_instance_count': {
      resource: instances({ scaling: { min_instance_count: 1 } }),
      says: /workerPool\.scaling\.minInstanceCount: there is no such field/,
    },
    'scaling.scaling_mode': {
      resource: instances({ scaling: { scaling_mode: 'AUTOMATIC' } }),
      says: /workerPool\.scaling\.scalingMode: there is no such field/,
    },
  },
  google_cloud_run_service: {
    'template.spec.containers.sandbox_launcher': {
      resource: serviceV1({ sandbox_launcher: true }),
      says: /sandboxLauncher/,
    },
    'template.spec.containers.env_from': {
      resource: serviceV1({ env_from: { prefix: 'SHOP_', config_map_ref: SOURCE, secret_ref: SOURCE } }),
      says: /envFrom/,
    },
  },
  google_cloud_run_service_iam_binding: condition('service', MEMBERS),
  google_cloud_run_service_iam_member: condition('service', MEMBER),
  google_cloud_run_v2_job_iam_binding: condition('name', MEMBERS),
  google_cloud_run_v2_job_iam_member: condition('name', MEMBER),
  google_cloud_run_v2_service_iam_binding: condition('name', MEMBERS),
  google_cloud_run_v2_service_iam_member: condition('name', MEMBER),
  google_cloud_run_v2_worker_pool_iam_binding: condition('name', MEMBERS),
  google_cloud_run_v2_worker_pool_iam_member: condition('name', MEMBER),
};
