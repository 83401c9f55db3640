import { Type } from 'typebox';
import { choice, int64, keyed, text, textMap } from '../schema.ts';

const Condition = Type.Object({
  type: Type.String({ description: 'Type of the condition.', maxLength: 253 }),
  status: Type.Unsafe<'True' | 'False' | 'Unknown'>({
    type: 'string',
    enum: ['True', 'False', 'Unknown'],
    description: 'Status of the condition.',
  }),
  reason: text(253, { description: 'Machine-readable reason.' }),
  message: text(32_768, { description: 'Human-readable message.' }),
  severity: choice(['', 'Error', 'Warning', 'Info'], {
    description: 'Severity of False; Error when unset.',
  }),
  lastTransitionTime: text(64, { description: 'When the status last changed (RFC 3339).' }),
});

/** Status fields of every kind. */
export const statusFields = {
  observedGeneration: int64(0, Number.MAX_SAFE_INTEGER, {
    description: 'Generation that the status was computed for.',
  }),
  conditions: Type.Optional(
    Type.Array(Condition, { ...keyed('type'), description: 'Conditions, one of each type.' }),
  ),
  annotations: textMap(100, { description: 'Machine-readable details of the status.' }),
};

/** Names of the latest revisions of a configuration. */
export const latestRevisionFields = {
  latestCreatedRevisionName: text(253, { description: 'Revision created last.' }),
  latestReadyRevisionName: text(253, { description: 'Latest revision that became ready.' }),
};

/** Addresses of a service or route. */
export const addressFields = {
  url: text(2048, { description: 'URL of the service.' }),
  address: Type.Optional(
    Type.Object(
      {
        url: text(2048, { description: 'URL inside the cluster.' }),
        name: text(253, { description: 'Name of the address.' }),
        audience: text(2048, { description: 'Audience of identity tokens.' }),
        CACerts: text(65_536, { description: 'PEM certificates to trust.' }),
      },
      { description: 'Address inside the cluster.' },
    ),
  ),
};

/** The last printer columns of every kind. */
export const READY_COLUMNS = [
  { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
] as const;
