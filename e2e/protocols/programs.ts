import { join } from 'node:path';
import { toolFolder } from '../chart/helm.ts';

/** The host that the programs ask for: that of the address, whatever its port. */
export const HOST = '127.0.0.1';

/** The path of one of the programs of this folder's Go module, which are built first if they are not cached. */
export function program(name: 'h2spec' | 'client' | 'server'): string {
  return join(toolFolder('protocols'), name);
}
