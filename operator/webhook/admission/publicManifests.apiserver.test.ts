import assert from 'node:assert/strict';
import type { KubeObject } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { useInstallation } from '../testing/installation.ts';
import { dryRun, publicManifests } from '../testing/public.ts';

interface Expected {
  outcome: 'accepted' | 'warned' | 'rejected';
  /** Each must match in the rejection, or in the warnings. */
  messages?: readonly RegExp[];
  /** Why, and which document says so. */
  reason: string;
}

const ACCEPTED: Expected = { outcome: 'accepted', reason: 'every field is of the v1 API and in its range' };

/** An image or name that a script was to fill in. */
function placeholder(...messages: RegExp[]): Expected {
  return {
    outcome: 'rejected',
    messages,
    reason: 'a placeholder is left in it: no registry and no cluster has such a name',
  };
}

const PORT: Expected = {
  outcome: 'rejected',
  messages: [/env\[0\]\.name: is "PORT", which the platform sets/],
  reason: 'PORT is reserved (container contract, Environment variables)',
};

const ORDER_WITHOUT_QUOTES: Expected = {
  outcome: 'accepted',
  reason: "the meaning is clear, and Google's own samples leave the quotes of container-dependencies out",
};

const EXPECTED: Record<string, Expected> = {
  'Agent-Drive/AgentDrive cloud-run/service.yaml': {
    outcome: 'warned',
    messages: [/cloudsql-instances\]: has no effect in a cluster/],
    reason: 'Google Cloud makes this connection, and a cluster cannot',
  },
  'CBIIT/bento-custodian terraform/cloudrun/scripts/backend.yaml': placeholder(
    /metadata.name: is "\$\{stack_name\}-cloudrun-backend"/,
    /containers\[0\].image: .* does not parse/,
  ),
  'GoogleCloudPlatform/cloud-deploy-samples verify-evaluate-cloud-metrics/configuration/run.yaml': ACCEPTED,
  'GoogleCloudPlatform/cloud-deploy-tutorials tutorials/deployment-strategies-run/app-config/manifests/base/demo-app.yaml.template':
    placeholder(/serviceAccountName: is "runner@\$\{PROJECT_ID\}/),
  'GoogleCloudPlatform/cloud-deploy-tutorials tutorials/e2e-run/app-config/hello-app-staging.yaml.template':
    placeholder(/serviceAccountName: is "runner@\$\{PROJECT_ID\}/),
  'GoogleCloudPlatform/cloud-deploy-tutorials tutorials/verification-run/app-config/hello-app-prod.yaml.template':
    placeholder(/serviceAccountName: is "runner@\$\{PROJECT_ID\}/),
  'GoogleCloudPlatform/cloud-deploy-tutorials tutorials/verification-run/app-config/hello-app-test.yaml.template':
    placeholder(/serviceAccountName: is "runner@\$\{PROJECT_ID\}/),
  'GoogleCloudPlatform/opentelemetry-cloud-run golang/run-service.yaml': placeholder(
    /metadata.name: is "%SERVICE_NAME%"/,
    /containers\[0\].image: .* does not parse/,
    /containers\[1\].image: .* does not parse/,
  ),
  'GoogleCloudPlatform/run-gmp-sidecar run-service.yaml': placeholder(
    /containers\[0\].image: .* does not parse/,
    /containers\[1\].image: .* does not parse/,
  ),
  'GoogleContainerTools/skaffold integration/testdata/deploy-cloudrun-with-hooks/module1/service.yaml':
    ACCEPTED,
  'GoogleContainerTools/skaffold integration/testdata/deploy-cloudrun-workerpool/workerpool.yaml': ACCEPTED,
  'HomenShum/attrition cloudrun-persistent.yaml': {
    outcome: 'warned',
    messages: [/csi.driver: needs the CSI driver gcsfuse.csi.storage.gke.io in the cluster/],
    reason: 'Cloud Storage is a driver that a cluster may lack',
  },
  'InfinityXOneSystems/lead-sniper-system cloud-run-service.yaml': ACCEPTED,
  'JustinCappos/launch-the-nukes cloudrun-worker.yaml': placeholder(
    /image "gcr.io\/PROJECT_ID\/.* does not parse/,
  ),
  'KumbyConsulting/newsletter-aggregator cloudrun-service.yaml': {
    outcome: 'warned',
    messages: [
      /cpu-boost\]: is not known to Cloud Run and has no effect; use run.googleapis.com\/startup-cpu-boost/,
      /use-http2\]: is not known to Cloud Run and has no effect; for HTTP\/2 name the port h2c/,
      /vpc-access-connector\]: has no effect in a cluster/,
    ],
    reason:
      'two flags of gcloud mistaken for annotations, which Knative keeps, and a network that is not here',
  },
  'Maroshman/vision-yolo-box-counting cloud-run-service.yaml': PORT,
  'Mrjoel97/PIKAR-AI cloud-run-service.yaml': ACCEPTED,
  'NickGuAI/g3lobster service.cloudrun.yaml': {
    ...PORT,
    messages: [/image "us-central1-docker.pkg.dev\/PROJECT_ID\/.* does not parse/, ...(PORT.messages ?? [])],
  },
  'NucleusEngineering/genai-3d-meshes hunyuan3D/cloudrun-service.yaml': placeholder(
    /image "gcr.io\/YOUR_PROJECT_ID\/.* does not parse/,
  ),
  'RuleIQ-Vercel-Deploy/ruleIQ cloud-run-service.yaml': {
    ...PORT,
    messages: [/image "gcr.io\/PROJECT_ID\/.* does not parse/, ...(PORT.messages ?? [])],
  },
  'Terpedia/esm2-inference-service cloudrun/service.yaml': placeholder(
    /image "REGION-docker.* does not parse/,
  ),
  'WXYC/triangle-shows cloudrun-service.yaml': placeholder(/image "IMAGE_URL" does not parse/),
  'Wave1art/Langfuse-Cloud-Run cloud-run/service.yaml': {
    outcome: 'rejected',
    messages: [/unknown field "spec.template.spec.containers\[2\].dependsOn"/],
    reason: 'dependsOn is of the v2 API; the v1 API has the annotation container-dependencies',
  },
  'agileguru/graalvm_cloud_native cloud-run/service.yaml': {
    outcome: 'warned',
    messages: [
      /container-dependencies\]: makes containers depend on .*server.*; a container that others depend on must have a startup probe/,
    ],
    reason: 'Cloud Run rejects it; the quotes that are left out of container-dependencies are no error',
  },
  'alpfr/cloudrun-redis-gcp cloudrun/service.yaml': {
    outcome: 'warned',
    messages: [
      /network-interfaces\]: has no effect in a cluster/,
      /vpc-access-egress\]: has no effect in a cluster/,
    ],
    reason: 'networks of Google Cloud are not here',
  },
  'asmeyatsky/refactor cloudrun-service.yaml': PORT,
  'cdgtlmda/SentinelOps cloud-run-service.yaml': {
    ...PORT,
    messages: [/image .*PROJECT_ID\/.* does not parse/, /env\[1\]\.name: is "PORT", which the platform sets/],
  },
  'ferentin-net/ferentin-service-edge cloud-run/service.yaml': placeholder(
    /serviceAccountName: is "runner@PROJECT_ID/,
  ),
  'gremlin-solutions/gcp-cloud-run-failure-flags-app cloudrun-service.yaml': ACCEPTED,
  'helixprojectai-code/helix-ttd-gemini-cli cloud-run-service.yaml': {
    outcome: 'rejected',
    messages: [/unknown field "spec.template.spec.containers\[0\].lifecycle"/],
    reason: 'Cloud Run has no hooks: SIGTERM announces the shutdown (container contract, Signals)',
  },
  'jab-r/rust-nostr-relay cloud-run-service.yaml': ACCEPTED,
  'kyletaylored/fake-store-api cloud-run/mcp-service.yaml': placeholder(
    /image "REGION-docker.* does not parse/,
  ),
  'makocchan0509/key-management cloudrun/service.yaml': {
    outcome: 'rejected',
    messages: [/containers\[0\].image: image "" does not parse: it names no repository/],
    reason: 'an image is required',
  },
  'npbuilds/skill-library cloudrun/service.yaml': placeholder(/image "REGION-docker.* does not parse/),
  'numazu-umineco/calendar cloudrun/service.yaml': ORDER_WITHOUT_QUOTES,
  'pandezamit/reusable-kyc-wallet cloudrun/service.yaml': placeholder(
    /image "REGION-docker.* does not parse/,
  ),
  'scottquintana/activedispatch-server cloudrun/service.yaml': {
    outcome: 'warned',
    messages: [/concurrency\]: is not known to Cloud Run and has no effect; use .*containerConcurrency/],
    reason: 'a flag of gcloud mistaken for an annotation',
  },
  'sundar139/Causal-Uplift-Transformer-Beam cloudrun/service.yaml': placeholder(
    /image "REGION-docker.* does not parse/,
  ),
  'suranc/spring-forward-harness-example cloud-run/spring-forward-harness-example.yaml': placeholder(
    /metadata.name: is "spring-forward-harness-example-<\+env.name>"/,
  ),
  'vishnu2kmohan/mcp-server-langgraph deployments/cloudrun/service.yaml': {
    ...PORT,
    messages: [/image "gcr.io\/PROJECT_ID\/.* does not parse/, ...(PORT.messages ?? [])],
  },
  'JustinCappos/launch-the-nukes cloudrun-job.yaml': placeholder(
    /image "gcr.io\/PROJECT_ID\/.* does not parse/,
  ),
  'aecs4u/NASTRAN-95 deploy/cloudrun/job.yaml': placeholder(/image ".*PROJECT_ID\/REPO\/.* does not parse/),
  'braveenth/garmin-running-llm cloud-run-job.yaml': {
    outcome: 'warned',
    messages: [
      /volumes\[0\].csi.driver: needs the CSI driver/,
      /volumes\[1\].csi.driver: needs the CSI driver/,
    ],
    reason: 'an export, with numbers as texts; Cloud Storage is a driver that a cluster may lack',
  },
  'jolen-web/finance cloudrun-job.yaml': {
    outcome: 'rejected',
    messages: [/unknown field "spec.template.spec.template.spec.restartPolicy"/],
    reason: "a field of Kubernetes' own Job: retries are maxRetries (API reference, TaskSpec)",
  },
  'mryohan/ai-agent-prop cloudrun-job.yaml': {
    outcome: 'rejected',
    messages: [/unknown field "spec.template.spec.template.spec.taskCount"/, /unknown field ".*\.timeout"/],
    reason: 'taskCount is one level too deep, and timeout is of the v2 API (API reference, TaskSpec)',
  },
  'rockymartin/dlt-pipelines chess-cloud-run-job.yaml': {
    outcome: 'rejected',
    messages: [
      /unknown field ".*\.restartPolicy"/,
      /unknown field ".*\.completions"/,
      /unknown field ".*\.backoffLimit"/,
    ],
    reason: "fields of Kubernetes' own Job (API reference, ExecutionSpec)",
  },
};

/** What kubectl shows for a new object: why it is rejected, or the warnings. */
async function applied(server: ApiServer, object: KubeObject): Promise<[Expected['outcome'], string]> {
  const { status, warnings, body } = await dryRun(server, object);
  if (status !== 201) return ['rejected', `${status}: ${body.message}`];
  return [warnings.length > 0 ? 'warned' : 'accepted', warnings.join('\n')];
}

describe('public manifests', () => {
  const documents = publicManifests();
  const cluster = useInstallation();

  it('all have an expected outcome', () => {
    assert.deepEqual([...documents.keys()].sort(), Object.keys(EXPECTED).sort());
  });

  for (const [origin, { outcome, messages = [], reason }] of Object.entries(EXPECTED)) {
    it(`${origin}: ${outcome}, as ${reason}`, async () => {
      const [actual, shown] = await applied(cluster.server, documents.get(origin) as KubeObject);
      assert.equal(actual, outcome, shown);
      for (const pattern of messages) assert.match(shown, pattern);
    });
  }
});
