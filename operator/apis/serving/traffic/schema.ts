import { type TSchema, Type } from 'typebox';
import { type CelRule, flag, int64, list, OPTIONAL_DNS_LABEL, rules, text } from '../../schema.ts';

/** Maximum number of targets of a service or route. */
const MAX_TARGETS = 200;

/** The revision that a share of the traffic, or of a worker pool's instances, belongs to. */
export const revisionFields = {
  revisionName: text(63, 'Revision that the share belongs to.', { pattern: OPTIONAL_DNS_LABEL }),
  latestRevision: flag('Whether the target is the latest ready revision; true unless revisionName is set.'),
};

const shared = {
  ...revisionFields,
  percent: int64(0, 100, 'Percentage of the traffic; 0 when unset.'),
  tag: text(63, 'Tag that gives the target its own URL: a DNS label that starts with a letter.', {
    pattern: OPTIONAL_DNS_LABEL,
  }),
};

const configurationFields = {
  configurationName: text(63, 'Configuration whose latest ready revision the share belongs to.', {
    pattern: OPTIONAL_DNS_LABEL,
  }),
};

const NAMED = "has(self.revisionName) && self.revisionName != ''";
const CONFIGURED = "has(self.configurationName) && self.configurationName != ''";

/** A share names its revision, or follows the latest one. */
export const LATEST_RULE: CelRule = {
  rule: `!has(self.latestRevision) || self.latestRevision != (${NAMED})`,
  message: 'latestRevision must be false when revisionName is set and true when it is not',
  fieldPath: '.latestRevision',
};

const SUM = 'self.map(t, has(t.percent) ? t.percent : 0).sum()';

/** The percents of a list of shares sum to 100, unless it is empty. */
export const sumRule = (shares: string): CelRule => ({
  rule: `self.size() == 0 || ${SUM} == 100`,
  messageExpression: `'percents of all ${shares} sum to %d; they must sum to 100'.format([${SUM}])`,
  message: `percents of all ${shares} must sum to 100`,
});

const TAGS: CelRule = {
  rule: "self.all(t, !has(t.tag) || t.tag == '' || self.exists_one(o, has(o.tag) && o.tag == t.tag))",
  message: 'a tag may be given to only one traffic target',
};

const traffic = <T extends TSchema>(target: T) =>
  list(
    target,
    MAX_TARGETS,
    'How traffic is split between revisions.',
    rules(sumRule('traffic targets'), TAGS),
  );

/** `spec.traffic` of a Service: a target without a revision is the service's own configuration. */
export const ServiceTrafficSchema = traffic(Type.Object(shared, rules(LATEST_RULE)));

/** `spec.traffic` of a Route: each target names a revision or a configuration. */
export const RouteTrafficSchema = traffic(
  Type.Object(
    { ...shared, ...configurationFields },
    rules(LATEST_RULE, {
      rule: `(${NAMED}) != (${CONFIGURED})`,
      message: 'a traffic target needs exactly one of revisionName and configurationName',
    }),
  ),
);

/** `status.traffic`: the resolved targets. */
export const TrafficStatusSchema = list(
  Type.Object({ ...shared, ...configurationFields, url: text(2048, 'URL of the tag.') }),
  // While roll-outs are in progress, each older revision that still has a percent is one more.
  MAX_TARGETS + 100,
  'Revisions and their shares of the traffic.',
);
