import { RESOURCE_MANAGER } from './beside/projects.ts';
import { SERVICE_ACCOUNTS_API } from './beside/serviceAccounts.ts';
import { SERVICE_USAGE } from './beside/serviceUsage.ts';
import { BUILDS } from './build/part.ts';
import type { ApiPart } from './context.ts';
import { IAM } from './iam/part.ts';
import { LOGS } from './logs/part.ts';
import { MCP } from './mcp/part.ts';
import { OPERATIONS } from './operations/routes.ts';
import { STORAGE } from './storage/part.ts';
import { V1 } from './v1/routes.ts';
import { V2 } from './v2/part.ts';

/** The parts of the Admin API; a new one is one more entry. */
export const PARTS: readonly ApiPart[] = [
  V1,
  V2,
  OPERATIONS,
  IAM,
  LOGS,
  MCP,
  SERVICE_USAGE,
  RESOURCE_MANAGER,
  SERVICE_ACCOUNTS_API,
  BUILDS,
  STORAGE,
];
