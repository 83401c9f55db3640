import type { Dashboard } from './dashboard.ts';
import { OPERATORS } from './operators.ts';
import { SERVICE } from './service.ts';

/** Every dashboard of the chart. */
export const DASHBOARDS: readonly Dashboard[] = [OPERATORS, SERVICE];
