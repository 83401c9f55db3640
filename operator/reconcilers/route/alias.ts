import { SERVING } from '../../apis/labels.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import type { CoreService } from '../../kube/core.ts';
import { controllerReference } from '../../kube/owner.ts';
import type { RoleConfig } from '../../roles.ts';
import { inherited } from '../inherit.ts';

/**
 * The core Service that makes `http://NAME.NAMESPACE` work inside the cluster: a DNS alias of the
 * gateway's internal Service, which knows by the Host header whom a request is for. No endpoints have to be kept in step.
 *
 * Labels and annotations that it has stay when they go from the route (Knative conformance, TestLabelPropagation and
 * TestAnnotationPropagation): others may have put them there, or select by them.
 *
 * @param present the core Service as it is, made by this route.
 */
export function desiredAlias(
  route: Route,
  namespace: string,
  config: Pick<RoleConfig<'controller'>, 'gateway' | 'clusterDomain'>,
  present?: CoreService,
): CoreService {
  const { name, labels, annotations } = route.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: route.metadata.namespace,
      labels: { ...inherited(present?.metadata.labels), ...inherited(labels), [SERVING.route]: name },
      annotations: { ...inherited(present?.metadata.annotations), ...inherited(annotations) },
      ownerReferences: [controllerReference(route)],
    },
    spec: {
      type: 'ExternalName',
      externalName: `${config.gateway.internalService}.${namespace}.svc.${config.clusterDomain}`,
      sessionAffinity: 'None',
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 80 }],
    },
  } as CoreService;
}
