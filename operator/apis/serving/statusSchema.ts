import { Type } from 'typebox';
import { choice, int64, keyed, text, textMap } from '../schema.ts';

const Condition = Type.Object({
  type: Type.String({ description: 'What the condition is about.', maxLength: 253 }),
  status: Type.Unsafe<'True' | 'False' | 'Unknown'>({
    type: 'string',
    enum: ['True', 'False', 'Unknown'],
    description: 'Whether it holds.',
  }),
  reason: text(253, { description: 'Why, in one word for programs.' }),
  message: text(32_768, { description: 'Why, in a sentence for people.' }),
  severity: choice(['', 'Error', 'Warning', 'Info'], {
    description: 'How bad False is; Error when unset.',
  }),
  lastTransitionTime: text(64, { description: 'When the status last changed (RFC 3339).' }),
});

/** Fields that the status of every kind has. */
export const statusFields = {
  observedGeneration: int64(0, Number.MAX_SAFE_INTEGER, {
    description: 'Generation that this status is about.',
  }),
  conditions: Type.Optional(
    Type.Array(Condition, { ...keyed('type'), description: 'State of the object, one entry for each type.' }),
  ),
  annotations: textMap(100, { description: 'More about the status, for programs.' }),
};

/** Names of the revisions that a configuration has made. */
export const latestRevisionFields = {
  latestCreatedRevisionName: text(253, { description: 'Revision made last.' }),
  latestReadyRevisionName: text(253, { description: 'Revision made last of those that became ready.' }),
};

/** Where a service or route answers. */
export const addressFields = {
  url: text(2048, { description: 'URL that gets the traffic.' }),
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

/** Printer columns that every kind ends with. */
export const READY_COLUMNS = [
  { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
] as const;
