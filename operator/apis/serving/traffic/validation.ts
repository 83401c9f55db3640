import { at, type FieldError, formatted, mustBe, repeated } from '../../fieldError.ts';
import type { RouteTarget, ServiceTarget } from './types.ts';

const TAG = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const MAX_LABEL = 63;
/** Separates tag and name in a host name. */
const SEPARATOR = '---';

/** Validates the traffic of a service; without targets, 100 % goes to the latest revision. */
export function validateServiceTraffic(
  traffic: readonly ServiceTarget[] | undefined,
  owner: string,
  path: string,
): FieldError[] {
  const targets = traffic ?? [];
  if (targets.length === 0) return [];
  return [...validateTargets(targets, owner, path), ...validateSum(targets, path)];
}

/** Validates shares without tags, such as those of a worker pool's instances. */
export function validateShares(
  shares: readonly Omit<ServiceTarget, 'tag'>[] | undefined,
  path: string,
): FieldError[] {
  return validateServiceTraffic(shares, '', path);
}

/** Validates the traffic of a route, whose targets name a revision or configuration. */
export function validateRouteTraffic(
  traffic: readonly RouteTarget[] | undefined,
  owner: string,
  path: string,
): FieldError[] {
  const targets = traffic ?? [];
  const unnamed = targets.flatMap(({ revisionName, configurationName }, i) => {
    if (Boolean(revisionName) !== Boolean(configurationName)) return [];
    return [{ path: at(path, i), message: 'must have exactly one of revisionName and configurationName' }];
  });
  return [...unnamed, ...validateTargets(targets, owner, path), ...validateSum(targets, path)];
}

function validateTargets(targets: readonly ServiceTarget[], owner: string, path: string): FieldError[] {
  const tags = targets.map(({ tag }, i) => tag || i);
  return [
    ...targets.flatMap((target, i) => validateTarget(target, owner, at(path, i))),
    ...repeated(tags, path, 'tag', 'the tag of another target; tags must be unique'),
  ];
}

function validateTarget(
  { tag, revisionName, latestRevision }: ServiceTarget,
  owner: string,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (latestRevision !== undefined && latestRevision === Boolean(revisionName)) {
    const why = revisionName
      ? `false or unset, as revisionName is ${formatted(revisionName)}`
      : 'true or unset, as revisionName is not set';
    errors.push(mustBe(`${path}.latestRevision`, latestRevision, why));
  }
  if (!tag) return errors;
  if (!TAG.test(tag)) {
    const form = 'a DNS label: lowercase letters, digits and dashes, starting with a letter';
    errors.push(mustBe(`${path}.tag`, tag, form));
  }
  const length = tag.length + SEPARATOR.length + owner.length;
  if (length > MAX_LABEL) {
    const message = `is ${formatted(tag)}; followed by ${SEPARATOR} and ${formatted(owner)} it has ${length} characters, and a label of a host name may have at most ${MAX_LABEL}`;
    errors.push({ path: `${path}.tag`, value: tag, message });
  }
  return errors;
}

function validateSum(targets: readonly ServiceTarget[], path: string): FieldError[] {
  const sum = targets.reduce((total, { percent = 0 }) => total + percent, 0);
  return sum === 100
    ? []
    : [{ path, value: sum, message: `has percents that sum to ${sum}; they must sum to 100` }];
}
