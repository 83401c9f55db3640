import { isQuantity } from '../../quantity.ts';

/**
 * The CPU of each container in an annotation that a controller has written on a pod, as JSON; undefined where it has none.
 * Others may have changed it: what is no quantity is left out.
 */
export function cpuByContainer(annotation: string | undefined): Map<string, string> | undefined {
  try {
    const cpu: unknown = JSON.parse(annotation ?? 'null');
    return cpu ? new Map(Object.entries(cpu).filter(([, each]) => isQuantity(each))) : undefined;
  } catch {
    return undefined;
  }
}
