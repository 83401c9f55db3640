import { RESOURCE_MANAGER } from './beside/projects.ts';
import { SERVICE_ACCOUNTS_API } from './beside/serviceAccounts.ts';
import { SERVICE_USAGE } from './beside/serviceUsage.ts';
import type { ApiPart } from './context.ts';
import { OPERATIONS } from './operations/routes.ts';
import { V1 } from './v1/routes.ts';

/** The parts of the Admin API; a new one is one more entry. */
export const PARTS: readonly ApiPart[] = [
  V1,
  OPERATIONS,
  SERVICE_USAGE,
  RESOURCE_MANAGER,
  SERVICE_ACCOUNTS_API,
];
