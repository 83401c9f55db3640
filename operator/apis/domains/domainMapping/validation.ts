import { type FieldError, mustBe } from '../../fieldError.ts';
import type { Warning } from '../../kind.ts';
import { MAX_OBJECT_NAME } from '../../names.ts';
import type { DomainMapping } from './types.ts';

const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';

/** A host name of two labels or more; no address, so the last label begins with a letter (RFC 1123, Host names). */
export const HOST_NAME = `^(${LABEL}\\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`;

const HOST = new RegExp(HOST_NAME);

/** Validates a domain mapping: its name is the domain. */
export function validateDomainMapping({ metadata: { name } }: DomainMapping): FieldError[] {
  if (name.length <= MAX_OBJECT_NAME && HOST.test(name)) return [];
  const wanted =
    'the domain to map, such as www.example.com: two or more labels of at most 63 lowercase letters, digits and dashes';
  return [mustBe('metadata.name', name, wanted)];
}

/** (Cloud Run API v1, DomainMappingSpec) */
export function domainMappingWarnings({ spec }: DomainMapping): Warning[] {
  if (!spec.forceOverride) return [];
  const message =
    'has no effect: who has a domain keeps it, so that no namespace can take it from another; delete the other mapping first';
  return [{ path: 'spec.forceOverride', message }];
}
