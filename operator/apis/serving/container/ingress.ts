import type { TemplateContainer } from './types.ts';

/** Where requests go when the container names no port (container contract, Listening for requests). */
export const DEFAULT_PORT = 8080;

/** The container that requests are sent to: the one with ports, or the only one; undefined where there is none. */
export function ingressContainer<C extends TemplateContainer>(containers: readonly C[]): C | undefined {
  return (
    containers.find(({ ports }) => ports && ports.length > 0) ??
    (containers.length === 1 ? containers[0] : undefined)
  );
}

/** The port that the container listens on; 0 counts as unset, which is how Go clients write it. */
export function ingressPort(container: TemplateContainer): number {
  return container.ports?.[0]?.containerPort || DEFAULT_PORT;
}
