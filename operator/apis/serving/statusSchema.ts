import { Type } from 'typebox';
import {
  choice,
  int64,
  keyed,
  optionalObject,
  requiredChoice,
  requiredText,
  text,
  textMap,
} from '../schema.ts';

const Condition = Type.Object({
  type: requiredText(253, 'Type of the condition.'),
  status: requiredChoice(['True', 'False', 'Unknown'], 'Status of the condition.'),
  reason: text(253, 'Machine-readable reason.'),
  message: text(32_768, 'Human-readable message.'),
  severity: choice(['', 'Error', 'Warning', 'Info'], 'Severity of False; Error when unset.'),
  lastTransitionTime: text(64, 'When the status last changed (RFC 3339).'),
});

/** Status fields of every kind. */
export const statusFields = {
  observedGeneration: int64(0, Number.MAX_SAFE_INTEGER, 'Generation that the status was computed for.'),
  conditions: Type.Optional(
    Type.Array(Condition, { ...keyed('type'), description: 'Conditions, one of each type.' }),
  ),
  annotations: textMap(100, 'Machine-readable details of the status.'),
};

/** Names of the latest revisions of a configuration. */
export const latestRevisionFields = {
  latestCreatedRevisionName: text(253, 'Revision created last.'),
  latestReadyRevisionName: text(253, 'Latest revision that became ready.'),
};

/** Addresses of a service or route. */
export const addressFields = {
  url: text(2048, 'URL of the service.'),
  address: optionalObject('Address inside the cluster.', {
    url: text(2048, 'URL inside the cluster.'),
    name: text(253, 'Name of the address.'),
    audience: text(2048, 'Audience of identity tokens.'),
    CACerts: text(65_536, 'PEM certificates to trust.'),
  }),
};

/** The last printer columns of every kind. */
export const READY_COLUMNS = [
  { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
] as const;
