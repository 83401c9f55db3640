import { withoutUndefined } from '../../../kube/json.ts';
import { compareQuantities, isQuantity } from '../../quantity.ts';
import { defaultProbe, defaultStartupProbe, type ProbePort } from '../probe/defaults.ts';
import { ingressPort } from './ingress.ts';
import type { Container, ResourceList, TemplateContainer } from './types.ts';

/** Default limits of a container (container contract, CPU and Memory). */
export const DEFAULT_LIMITS: Readonly<Record<string, string>> = { cpu: '1000m', memory: '512Mi' };

export interface ContainerRole {
  /** Name of the container when it has none. */
  name: string;
  /** Whether it is the ingress container. */
  ingress: boolean;
  /** Whether the ingress container gets a default startup probe. */
  startupProbe: boolean;
}

/** A container with its defaults set. Pure and idempotent. */
export function defaultContainer(container: TemplateContainer, role: ContainerRole): Container {
  const port = role.ingress ? declaredPort(container) : undefined;
  const { startupProbe, livenessProbe, readinessProbe } = container;
  const startup = startupProbe ? defaultProbe(startupProbe, port, true) : undefined;
  const implied = port && role.startupProbe ? defaultStartupProbe(port.number) : undefined;
  return withoutUndefined({
    ...container,
    name: container.name || role.name,
    ports: port
      ? [{ name: port.name, containerPort: port.number, ...protocolOf(container) }]
      : container.ports,
    resources: { ...container.resources, limits: defaultLimits(container.resources ?? {}) },
    startupProbe: startup ?? implied,
    livenessProbe: livenessProbe && defaultProbe(livenessProbe, port, false),
    readinessProbe: readinessProbe && defaultProbe(readinessProbe, port, true),
  });
}

function declaredPort(container: TemplateContainer): ProbePort & { name: 'http1' | 'h2c' } {
  return { number: ingressPort(container), name: container.ports?.[0]?.name || 'http1' };
}

function protocolOf(container: TemplateContainer): { protocol?: 'TCP' } {
  return container.ports?.[0]?.protocol ? { protocol: 'TCP' } : {};
}

/** A missing limit is the default, or the request when that is higher. */
function defaultLimits({
  limits = {},
  requests = {},
}: {
  limits?: ResourceList;
  requests?: ResourceList;
}): ResourceList {
  const missing = Object.entries(DEFAULT_LIMITS).filter(([resource]) => limits[resource] === undefined);
  const filled = missing.map(([resource, usual]) => {
    const requested = requests[resource];
    const larger =
      requested !== undefined && isQuantity(requested) && compareQuantities(requested, usual) > 0;
    return [resource, larger ? requested : usual] as const;
  });
  return { ...limits, ...Object.fromEntries(filled) };
}
