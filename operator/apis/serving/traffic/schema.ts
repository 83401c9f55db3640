import { Type } from 'typebox';
import { type CelRule, flag, int64, list, OPTIONAL_DNS_LABEL, rules, text } from '../../schema.ts';

/** Maximum number of targets of a service or route. */
export const MAX_TARGETS = 200;

const shared = {
  revisionName: text(63, { description: 'Revision that the share belongs to.', pattern: OPTIONAL_DNS_LABEL }),
  latestRevision: flag('Whether the target is the latest ready revision; true unless revisionName is set.'),
  percent: int64(0, 100, { description: 'Percentage of the traffic; 0 when unset.' }),
  tag: text(63, {
    description: 'Tag that gives the target its own URL: a DNS label that starts with a letter.',
    pattern: OPTIONAL_DNS_LABEL,
  }),
};

const configurationName = text(63, {
  description: 'Configuration whose latest ready revision the share belongs to.',
  pattern: OPTIONAL_DNS_LABEL,
});

const NAMED = "has(self.revisionName) && self.revisionName != ''";
const CONFIGURED = "has(self.configurationName) && self.configurationName != ''";

const LATEST: CelRule = {
  rule: `!has(self.latestRevision) || self.latestRevision != (${NAMED})`,
  message: 'latestRevision must be false when revisionName is set and true when it is not',
  fieldPath: '.latestRevision',
};

const LIST_RULES: CelRule[] = [
  {
    rule: 'self.size() == 0 || self.map(t, has(t.percent) ? t.percent : 0).sum() == 100',
    messageExpression:
      "'percents of all traffic targets sum to %d; they must sum to 100'.format([self.map(t, has(t.percent) ? t.percent : 0).sum()])",
    message: 'percents of all traffic targets must sum to 100',
  },
  {
    rule: "self.all(t, !has(t.tag) || t.tag == '' || self.exists_one(o, has(o.tag) && o.tag == t.tag))",
    message: 'a tag may be given to only one traffic target',
  },
];

const listOptions = { description: 'How traffic is split between revisions.', ...rules(...LIST_RULES) };

/** `spec.traffic` of a Service: a target without a revision is the service's own configuration. */
export const ServiceTrafficSchema = list(Type.Object(shared, rules(LATEST)), MAX_TARGETS, listOptions);

/** `spec.traffic` of a Route: each target names a revision or a configuration. */
export const RouteTrafficSchema = list(
  Type.Object(
    { ...shared, configurationName },
    rules(LATEST, {
      rule: `(${NAMED}) != (${CONFIGURED})`,
      message: 'a traffic target needs exactly one of revisionName and configurationName',
    }),
  ),
  MAX_TARGETS,
  listOptions,
);

/** `status.traffic`: the resolved targets. */
export const TrafficStatusSchema = list(
  Type.Object({
    ...shared,
    configurationName,
    url: text(2048, { description: 'URL of the tag.' }),
  }),
  // While roll-outs are in progress, each older revision that still has a percent is one more.
  MAX_TARGETS + 100,
  { description: 'Revisions and their shares of the traffic.' },
);
