import { clears, type FlagCase, prints, refused, sets, warned } from './flag.ts';

const RUN = 'run.googleapis.com';
const MAIN = 'spec.template.spec.containers[0]';
const onObject = (key: string) => `metadata.annotations[${RUN}/${key}]`;
const onTemplate = (key: string) => `spec.template.metadata.annotations[${RUN}/${key}]`;
const scale = (key: string) => `spec.template.metadata.annotations[autoscaling.knative.dev/${key}]`;
const SECRET = { secretKeyRef: { name: 'secret', key: 'latest' } };
const KEY = 'projects/p/locations/r/keyRings/k/cryptoKeys/c';
const NETWORK = '[{"network": "net", "subnetwork": "sub", "tags": ["one", "two"]}]';

const NEW = '--async --no-allow-unauthenticated --image=IMAGE';
/** Changes the same service again. */
const AGAIN = 'run deploy web --async --image=IMAGE';
const NO_BUILDS = refused(
  /This cluster builds no sources: install/,
  'builds are off until the chart turns them on',
);
const SOURCE = 'run deploy built --no-allow-unauthenticated --source=SOURCE';

function builds(...flags: string[]): FlagCase['outcomes'] {
  return Object.fromEntries(flags.map((flag) => [flag, NO_BUILDS]));
}

/** Every flag of `gcloud run deploy`, in an order in which one command leaves what the next one changes. */
export const SERVICE_FLAGS: readonly FlagCase[] = [
  {
    command: `run deploy web ${NEW} --region=REGION --port=9000 --use-http2 --cpu=2 --memory=1Gi --concurrency=50 --timeout=120 --command=/app --args=a,b`,
    outcomes: {
      '--image': sets(`${MAIN}.image`, 'IMAGE'),
      '--async': prints(/is deploying asynchronously/, 'the command does not wait'),
      '--region': sets('metadata.name', 'web'),
      '--port': sets(`${MAIN}.ports[0].containerPort`, 9000),
      '--use-http2': sets(`${MAIN}.ports[0].name`, 'h2c'),
      '--cpu': sets(`${MAIN}.resources.limits.cpu`, '2'),
      '--memory': sets(`${MAIN}.resources.limits.memory`, '1Gi'),
      '--concurrency': sets('spec.template.spec.containerConcurrency', 50),
      '--timeout': sets('spec.template.spec.timeoutSeconds', 120),
      '--command': sets(`${MAIN}.command`, ['/app']),
      '--args': sets(`${MAIN}.args`, ['a', 'b']),
    },
  },
  {
    command: `${AGAIN} --min-instances=1 --max-instances=5 --min=2 --no-cpu-throttling --no-cpu-boost --session-affinity --execution-environment=gen2 --service-account=robot@PROJECT.iam.gserviceaccount.com --revision-suffix=two --ingress=internal --no-invoker-iam-check --description=text`,
    outcomes: {
      '--min-instances': sets(scale('minScale'), '1'),
      '--max-instances': sets(scale('maxScale'), '5'),
      '--min': sets(onObject('minScale'), '2'),
      '--cpu-throttling': sets(onTemplate('cpu-throttling'), 'False'),
      '--cpu-boost': sets(onTemplate('startup-cpu-boost'), 'False'),
      '--session-affinity': sets(onTemplate('sessionAffinity'), 'true'),
      '--execution-environment': sets(onTemplate('execution-environment'), 'gen2'),
      '--service-account': sets(
        'spec.template.spec.serviceAccountName',
        'robot@PROJECT.iam.gserviceaccount.com',
      ),
      '--revision-suffix': sets('spec.template.metadata.name', 'web-two'),
      '--ingress': sets(onObject('ingress'), 'internal'),
      '--invoker-iam-check': sets(onObject('invoker-iam-disabled'), 'True'),
      '--description': sets(onObject('description'), 'text'),
    },
  },
  {
    command: `${AGAIN} --set-env-vars=A=1,B=2 --set-secrets=KEY=secret:latest --labels=team=a,tier=b --set-custom-audiences=one,two`,
    outcomes: {
      '--set-env-vars': sets(`${MAIN}.env[0]`, { name: 'A', value: '1' }),
      '--set-secrets': sets(`${MAIN}.env[2]`, { name: 'KEY', valueFrom: SECRET }),
      '--labels': sets('metadata.labels', { team: 'a', tier: 'b' }),
      '--set-custom-audiences': sets(onObject('custom-audiences'), '["one", "two"]'),
    },
  },
  {
    command: `${AGAIN} --update-env-vars=C=3 --remove-env-vars=A --update-secrets=MORE=secret:latest --remove-secrets=KEY --update-labels=team=c --remove-labels=tier --add-custom-audiences=three`,
    outcomes: {
      '--update-env-vars': sets(`${MAIN}.env[1]`, { name: 'C', value: '3' }),
      '--remove-env-vars': sets(`${MAIN}.env[0]`, { name: 'B', value: '2' }),
      '--update-secrets': sets(`${MAIN}.env[2]`, { name: 'MORE', valueFrom: SECRET }),
      '--remove-secrets': clears(`${MAIN}.env[3]`),
      '--update-labels': sets('metadata.labels.team', 'c'),
      '--remove-labels': clears('metadata.labels.tier'),
      '--add-custom-audiences': sets(onObject('custom-audiences'), '["one", "two", "three"]'),
    },
  },
  {
    command: `${AGAIN} --clear-secrets --clear-labels --remove-custom-audiences=one --env-vars-file=env.yaml --startup-probe=httpGet.path=/ready,periodSeconds=5 --liveness-probe=httpGet.path=/live`,
    outcomes: {
      '--clear-secrets': clears(`${MAIN}.env[1]`),
      '--clear-labels': clears('metadata.labels.team'),
      '--remove-custom-audiences': sets(onObject('custom-audiences'), '["two", "three"]'),
      '--env-vars-file': sets(`${MAIN}.env[0]`, { name: 'FROM', value: 'file' }),
      '--startup-probe': sets(`${MAIN}.startupProbe.httpGet.path`, '/ready'),
      '--liveness-probe': sets(`${MAIN}.livenessProbe.httpGet.path`, '/live'),
    },
  },
  {
    command: `${AGAIN} --clear-env-vars --clear-custom-audiences --set-cloudsql-instances=p:r:one --vpc-connector=wire --vpc-egress=private-ranges-only --binary-authorization=default --breakglass=reason --key=${KEY} --encryption-key-shutdown-hours=2 --post-key-revocation-action-type=shut-down`,
    outcomes: {
      '--clear-env-vars': clears(`${MAIN}.env[0]`),
      '--clear-custom-audiences': clears(onObject('custom-audiences')),
      '--set-cloudsql-instances': warned(onTemplate('cloudsql-instances'), 'p:r:one'),
      '--vpc-connector': warned(onTemplate('vpc-access-connector'), 'wire'),
      '--vpc-egress': warned(onTemplate('vpc-access-egress'), 'private-ranges-only'),
      '--binary-authorization': warned(onObject('binary-authorization'), 'default'),
      '--breakglass': warned(onObject('binary-authorization-breakglass'), 'reason'),
      '--key': warned(onTemplate('encryption-key'), KEY),
      '--encryption-key-shutdown-hours': warned(onTemplate('encryption-key-shutdown-hours'), '2'),
      '--post-key-revocation-action-type': warned(onTemplate('post-key-revocation-action-type'), 'shut-down'),
    },
  },
  {
    command: `${AGAIN} --add-cloudsql-instances=p:r:two --clear-vpc-connector --clear-binary-authorization --clear-encryption-key-shutdown-hours --clear-post-key-revocation-action-type`,
    outcomes: {
      '--add-cloudsql-instances': warned(onTemplate('cloudsql-instances'), 'p:r:one,p:r:two'),
      '--clear-vpc-connector': clears(onTemplate('vpc-access-connector')),
      '--clear-binary-authorization': clears(onObject('binary-authorization')),
      '--clear-encryption-key-shutdown-hours': clears(onTemplate('encryption-key-shutdown-hours')),
      '--clear-post-key-revocation-action-type': clears(onTemplate('post-key-revocation-action-type')),
    },
  },
  {
    command: `${AGAIN} --clear-key --remove-cloudsql-instances=p:r:one --network=net --subnet=sub --network-tags=one,two --add-volume=name=cache,type=in-memory,size-limit=64Mi --add-volume-mount=volume=cache,mount-path=/cache`,
    outcomes: {
      '--clear-key': clears(onTemplate('encryption-key')),
      '--remove-cloudsql-instances': warned(onTemplate('cloudsql-instances'), 'p:r:two'),
      '--network': warned(onTemplate('network-interfaces'), NETWORK),
      '--subnet': warned(onTemplate('network-interfaces'), NETWORK),
      '--network-tags': warned(onTemplate('network-interfaces'), NETWORK),
      '--add-volume': sets('spec.template.spec.volumes[0]', {
        name: 'cache',
        emptyDir: { medium: 'Memory', sizeLimit: '64Mi' },
      }),
      '--add-volume-mount': sets(`${MAIN}.volumeMounts[0]`, { name: 'cache', mountPath: '/cache' }),
    },
  },
  {
    command: `${AGAIN} --clear-cloudsql-instances --clear-network-tags --remove-volume-mount=/cache --remove-volume=cache`,
    outcomes: {
      '--clear-cloudsql-instances': warned(onTemplate('cloudsql-instances'), ''),
      '--clear-network-tags': warned(
        onTemplate('network-interfaces'),
        '[{"network": "net", "subnetwork": "sub"}]',
      ),
      '--remove-volume-mount': clears(`${MAIN}.volumeMounts[0]`),
      '--remove-volume': clears('spec.template.spec.volumes[0]'),
    },
  },
  {
    command: `${AGAIN} --add-volume=name=cache,type=in-memory,size-limit=64Mi --add-volume-mount=volume=cache,mount-path=/cache --clear-network`,
    outcomes: { '--clear-network': clears(onTemplate('network-interfaces')) },
  },
  {
    command: `${AGAIN} --clear-volumes --clear-volume-mounts`,
    outcomes: {
      '--clear-volumes': clears('spec.template.spec.volumes[0]'),
      '--clear-volume-mounts': clears(`${MAIN}.volumeMounts[0]`),
    },
  },
  {
    command:
      'run deploy pair --async --allow-unauthenticated --container=main --image=IMAGE --port=8080 --depends-on=side --container=side --image=IMAGE2 --startup-probe=tcpSocket.port=9090',
    outcomes: {
      '--container': sets('spec.template.spec.containers[1].name', 'side'),
      '--depends-on': sets(onTemplate('container-dependencies'), '{"main": ["side"]}'),
      '--allow-unauthenticated': sets('policy[0]', { role: 'roles/run.invoker', members: ['allUsers'] }),
    },
  },
  {
    command: 'run deploy pair --async --remove-containers=side --container=main --image=IMAGE --depends-on=',
    outcomes: { '--remove-containers': clears('spec.template.spec.containers[1]') },
  },
  {
    command: 'run deploy pair --async --image=IMAGE2 --no-traffic --tag=next',
    outcomes: {
      '--no-traffic': sets('spec.traffic[0].latestRevision', false),
      '--tag': sets('spec.traffic[1].tag', 'next'),
    },
  },
  {
    command: `run deploy gpu ${NEW} --gpu=1 --gpu-type=nvidia-l4 --no-gpu-zonal-redundancy --cpu=4 --memory=16Gi --no-cpu-throttling --max-instances=1`,
    outcomes: {
      '--gpu': sets(`${MAIN}.resources.limits[nvidia.com/gpu]`, '1'),
      '--gpu-type': sets(`spec.template.spec.nodeSelector[${RUN}/accelerator]`, 'nvidia-l4'),
      '--gpu-zonal-redundancy': sets(onTemplate('gpu-zonal-redundancy-disabled'), 'True'),
    },
  },
  {
    command: `run deploy web ${NEW} --namespace=other`,
    outcomes: {
      '--namespace': refused(
        /--namespace.* flag is not supported/,
        'only with `--platform=kubernetes`; gcloud says so itself',
      ),
    },
  },
  {
    command: `${SOURCE} --function=hello --base-image=nodejs24 --automatic-updates --set-build-env-vars=A=1 --build-service-account=projects/p/serviceAccounts/robot@p.iam.gserviceaccount.com --build-worker-pool=projects/p/locations/r/workerPools/w`,
    outcomes: builds(
      ...['--source', '--function', '--base-image', '--automatic-updates', '--set-build-env-vars'],
      ...['--build-service-account', '--build-worker-pool'],
    ),
  },
  {
    command: `${SOURCE} --clear-base-image --update-build-env-vars=A=2 --remove-build-env-vars=B --clear-build-service-account --clear-build-worker-pool --allow-unencrypted-build`,
    outcomes: builds(
      ...['--clear-base-image', '--update-build-env-vars', '--remove-build-env-vars'],
      ...['--clear-build-service-account', '--clear-build-worker-pool', '--allow-unencrypted-build'],
    ),
  },
  { command: `${SOURCE} --build-env-vars-file=env.yaml`, outcomes: builds('--build-env-vars-file') },
  { command: `${SOURCE} --clear-build-env-vars`, outcomes: builds('--clear-build-env-vars') },
];
