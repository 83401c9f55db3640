import { clears, type FlagCase, prints, refused, sets, warned } from './flag.ts';

const RUN = 'run.googleapis.com';
const TASK = 'spec.template.spec.template.spec';
const MAIN = `${TASK}.containers[0]`;
const onObject = (key: string) => `metadata.annotations[${RUN}/${key}]`;
const onExecution = (key: string) => `spec.template.metadata.annotations[${RUN}/${key}]`;
const SECRET = { secretKeyRef: { name: 'secret', key: 'latest' } };
const KEY = 'projects/p/locations/r/keyRings/k/cryptoKeys/c';
const NETWORK = '[{"network": "net", "subnetwork": "sub", "tags": ["one", "two"]}]';
/** Changes the same job again. */
const AGAIN = 'run jobs deploy task --async --image=IMAGE';

/** Every flag of `gcloud run jobs deploy`, in an order in which one command leaves what the next one changes. */
export const JOB_FLAGS: readonly FlagCase[] = [
  {
    command: `${AGAIN} --region=REGION --tasks=3 --parallelism=2 --max-retries=1 --task-timeout=5m --cpu=1 --memory=1Gi --command=/app --args=a,b --service-account=robot@PROJECT.iam.gserviceaccount.com --set-env-vars=A=1,B=2 --set-secrets=KEY=secret:latest --labels=team=a`,
    outcomes: {
      '--image': sets(`${MAIN}.image`, 'IMAGE'),
      '--async': prints(/asynchronously|is being (created|deployed)/, 'the command does not wait'),
      '--region': sets('metadata.name', 'task'),
      '--tasks': sets('spec.template.spec.taskCount', 3),
      '--parallelism': sets('spec.template.spec.parallelism', 2),
      '--max-retries': sets(`${TASK}.maxRetries`, 1),
      '--task-timeout': sets(`${TASK}.timeoutSeconds`, '300'),
      '--cpu': sets(`${MAIN}.resources.limits.cpu`, '1'),
      '--memory': sets(`${MAIN}.resources.limits.memory`, '1Gi'),
      '--command': sets(`${MAIN}.command`, ['/app']),
      '--args': sets(`${MAIN}.args`, ['a', 'b']),
      '--service-account': sets(`${TASK}.serviceAccountName`, 'robot@PROJECT.iam.gserviceaccount.com'),
      '--set-env-vars': sets(`${MAIN}.env[0]`, { name: 'A', value: '1' }),
      '--set-secrets': sets(`${MAIN}.env[2]`, { name: 'KEY', valueFrom: SECRET }),
      '--labels': sets('metadata.labels.team', 'a'),
    },
  },
  {
    command: `${AGAIN} --update-env-vars=C=3 --remove-env-vars=A --update-secrets=MORE=secret:latest --remove-secrets=KEY --set-cloudsql-instances=p:r:one --vpc-connector=wire --vpc-egress=all-traffic --binary-authorization=default --breakglass=reason --key=${KEY}`,
    outcomes: {
      '--update-env-vars': sets(`${MAIN}.env[1]`, { name: 'C', value: '3' }),
      '--remove-env-vars': sets(`${MAIN}.env[0]`, { name: 'B', value: '2' }),
      '--update-secrets': sets(`${MAIN}.env[2]`, { name: 'MORE', valueFrom: SECRET }),
      '--remove-secrets': clears(`${MAIN}.env[3]`),
      '--set-cloudsql-instances': warned(onExecution('cloudsql-instances'), 'p:r:one'),
      '--vpc-connector': warned(onExecution('vpc-access-connector'), 'wire'),
      '--vpc-egress': warned(onExecution('vpc-access-egress'), 'all-traffic'),
      '--binary-authorization': warned(onObject('binary-authorization'), 'default'),
      '--breakglass': warned(onObject('binary-authorization-breakglass'), 'reason'),
      '--key': warned(onExecution('encryption-key'), KEY),
    },
  },
  {
    command: `run jobs deploy other --async --image=IMAGE --env-vars-file=env.yaml --set-secrets=KEY=secret:latest --network=net --subnet=sub --network-tags=one,two --add-volume=name=cache,type=in-memory,size-limit=64Mi --add-volume-mount=volume=cache,mount-path=/cache`,
    outcomes: {
      '--env-vars-file': sets(`${MAIN}.env[0]`, { name: 'FROM', value: 'file' }),
      '--network': warned(onExecution('network-interfaces'), NETWORK),
      '--subnet': warned(onExecution('network-interfaces'), NETWORK),
      '--network-tags': warned(onExecution('network-interfaces'), NETWORK),
      '--add-volume': sets(`${TASK}.volumes[0]`, {
        name: 'cache',
        emptyDir: { medium: 'Memory', sizeLimit: '64Mi' },
      }),
      '--add-volume-mount': sets(`${MAIN}.volumeMounts[0]`, { name: 'cache', mountPath: '/cache' }),
    },
  },
  {
    command:
      'run jobs deploy other --async --image=IMAGE --clear-env-vars --clear-secrets --clear-network-tags --remove-volume-mount=/cache --remove-volume=cache',
    outcomes: {
      '--clear-env-vars': clears(`${MAIN}.env[0]`),
      '--clear-secrets': clears(`${MAIN}.env[1]`),
      '--clear-network-tags': warned(
        onExecution('network-interfaces'),
        '[{"network": "net", "subnetwork": "sub"}]',
      ),
      '--remove-volume-mount': clears(`${MAIN}.volumeMounts[0]`),
      '--remove-volume': clears(`${TASK}.volumes[0]`),
    },
  },
  {
    command:
      'run jobs deploy other --async --image=IMAGE --clear-network --add-volume=name=cache,type=in-memory,size-limit=64Mi --add-volume-mount=volume=cache,mount-path=/cache',
    outcomes: { '--clear-network': clears(onExecution('network-interfaces')) },
  },
  {
    command: 'run jobs deploy other --async --image=IMAGE --clear-volumes --clear-volume-mounts',
    outcomes: {
      '--clear-volumes': clears(`${TASK}.volumes[0]`),
      '--clear-volume-mounts': clears(`${MAIN}.volumeMounts[0]`),
    },
  },
  {
    command:
      'run jobs deploy both --async --container=main --image=IMAGE --depends-on=side --container=side --image=IMAGE2',
    outcomes: {
      '--container': sets(`${TASK}.containers[1].name`, 'side'),
      '--depends-on': sets(onExecution('container-dependencies'), '{"main": ["side"]}'),
    },
  },
  {
    command:
      'run jobs deploy both --async --remove-containers=side --container=main --image=IMAGE --depends-on=',
    outcomes: { '--remove-containers': clears(`${TASK}.containers[1]`) },
  },
  {
    command: 'run jobs deploy once --image=ENDING --set-env-vars=TASK=1 --execute-now --wait',
    outcomes: {
      '--execute-now': sets('executions', 1),
      '--wait': prints(/completed execution/, 'the command waits for the execution'),
    },
  },
  {
    command: 'run jobs deploy built --source=SOURCE',
    outcomes: {
      '--source': refused(
        /This cluster builds no sources: install/,
        'builds are off until the chart turns them on',
      ),
    },
  },
];
