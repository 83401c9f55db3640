/** What the API does with an argument other than what Cloud Run does; its path has the names of the blocks around it. */
export interface Exception {
  result: 'no effect' | 'refused';
  why: string;
}

type Exceptions = Readonly<Record<string, Exception>>;

const noEffect = (why: string): Exception => ({ result: 'no effect', why });
const refused = (why: string): Exception => ({ result: 'refused', why });

const SANDBOXES = refused('not in the published API');
const TAGS = refused('there is no Resource Manager; use labels');
const NETWORK = noEffect('instances use the network of the cluster; restrict it with a NetworkPolicy');
const KEY = noEffect('the cluster decides how images and volumes are encrypted');
const IMAGES = noEffect('images are not checked; use an admission policy of the cluster for that');
const ZONES = noEffect('the scheduler of the cluster decides where instances run');
const CLOUD_SQL = noEffect(
  'no connection is made; connect by address, or run the Cloud SQL Auth Proxy as a second container',
);
const CONDITION = refused('access rules of Kubernetes have no conditions');

/** The same in the template of services, jobs and worker pools. */
const template = (at: string): Exceptions => ({
  [`${at}.encryption_key`]: KEY,
  [`${at}.gpu_zonal_redundancy_disabled`]: ZONES,
  [`${at}.volumes.cloud_sql_instance`]: CLOUD_SQL,
  [`${at}.vpc_access`]: NETWORK,
});
const BINARY_AUTHORIZATION: Exceptions = { binary_authorization: IMAGES };
const IAM: Exceptions = { condition: CONDITION };

/** By resource; a block's exception is that of all in it. All else does what it does on Cloud Run. */
export const EXCEPTIONS: Readonly<Record<string, Exceptions>> = {
  google_cloud_run_v2_service: {
    ...template('template'),
    ...BINARY_AUTHORIZATION,
    'template.containers.base_image_uri': noEffect('the image stays as it was built'),
    'template.containers.readiness_probe.success_threshold': refused('not in the published API'),
    'template.containers.sandbox_launcher': SANDBOXES,
    'template.sandboxes': SANDBOXES,
    build_config: noEffect('a build writes it for the next build'),
    iap_enabled: noEffect('there is no Identity-Aware Proxy; put one in front of the gateway'),
    multi_region_settings: noEffect(
      'the service runs in this cluster only, and its `location` is not `global`',
    ),
    tags: TAGS,
  },
  google_cloud_run_v2_job: {
    ...template('template.template'),
    ...BINARY_AUTHORIZATION,
    'template.template.containers.ports': noEffect('a task receives no requests'),
    tags: TAGS,
  },
  google_cloud_run_v2_worker_pool: {
    ...template('template'),
    ...BINARY_AUTHORIZATION,
    'template.containers.sandbox_launcher': SANDBOXES,
    'template.client': refused('not in the published API'),
    'template.client_version': refused('not in the published API'),
    'template.encryption_key_revocation_action': KEY,
    'template.encryption_key_shutdown_duration': KEY,
    'scaling.max_instance_count': refused('not in the published API; worker pools are scaled by hand'),
    'scaling.min_instance_count': refused('not in the published API; worker pools are scaled by hand'),
    'scaling.scaling_mode': refused('not in the published API; worker pools are scaled by hand'),
  },
  google_cloud_run_service: {
    'template.spec.containers.sandbox_launcher': SANDBOXES,
    'template.spec.containers.env_from': refused(
      'the provider sends a form that no API has; it is deprecated',
    ),
  },
  google_cloud_run_domain_mapping: {},
  google_cloud_run_service_iam_binding: IAM,
  google_cloud_run_service_iam_member: IAM,
  google_cloud_run_service_iam_policy: {},
  google_cloud_run_v2_job_iam_binding: IAM,
  google_cloud_run_v2_job_iam_member: IAM,
  google_cloud_run_v2_job_iam_policy: {},
  google_cloud_run_v2_service_iam_binding: IAM,
  google_cloud_run_v2_service_iam_member: IAM,
  google_cloud_run_v2_service_iam_policy: {},
  google_cloud_run_v2_worker_pool_iam_binding: IAM,
  google_cloud_run_v2_worker_pool_iam_member: IAM,
  google_cloud_run_v2_worker_pool_iam_policy: {},
};

/** Arguments that the provider keeps for itself. */
export const OF_THE_PROVIDER = ['deletion_policy', 'deletion_protection', 'id', 'project', 'timeouts'];

/** The exception of an argument: its own, or that of a block that it is in. */
export function exceptionOf(resource: string, path: string): Exception | undefined {
  const names = path.split('.');
  const paths = names.map((_, i) => names.slice(0, i + 1).join('.'));
  return paths.map((each) => EXCEPTIONS[resource]?.[each]).find((found) => found !== undefined);
}
