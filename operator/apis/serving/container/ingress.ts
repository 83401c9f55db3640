import type { TemplateContainer } from './types.ts';

/** Default port (container contract, Listening for requests). */
export const DEFAULT_PORT = 8080;

/** The container that receives requests: the one with ports, or the only one; undefined when there is neither. */
export function ingressContainer<C extends TemplateContainer>(containers: readonly C[]): C | undefined {
  return (
    containers.find(({ ports }) => ports && ports.length > 0) ??
    (containers.length === 1 ? containers[0] : undefined)
  );
}

/** The port that the container listens on; 0 counts as unset, since Go clients write it for unset fields. */
export function ingressPort(container: TemplateContainer): number {
  return container.ports?.[0]?.containerPort || DEFAULT_PORT;
}
