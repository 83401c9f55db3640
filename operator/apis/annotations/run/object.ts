import { type Annotation, EVERYWHERE, ignored, SERVICE, stored } from '../annotation.ts';
import { oneOf } from '../values.ts';

const AUTHOR = stored('set to the requesting user on jobs and executions');
/** About the object that a client wrote, and not about the executions created from it. */
const OWN = ['execution'] as const;

/** About the object itself, whatever its kind. */
export const OBJECT = {
  description: { key: 'run.googleapis.com/description', on: EVERYWHERE, effect: stored() },
  launchStage: {
    key: 'run.googleapis.com/launch-stage',
    on: EVERYWHERE,
    value: oneOf('ALPHA', 'BETA', 'GA'),
    effect: stored('features of every stage are accepted'),
  },
  operationId: {
    key: 'run.googleapis.com/operation-id',
    on: EVERYWHERE,
    effect: stored(),
    notInheritedBy: ['child', 'execution'],
  },
  clientName: {
    key: 'run.googleapis.com/client-name',
    on: EVERYWHERE,
    effect: stored(),
    notInheritedBy: OWN,
  },
  clientVersion: {
    key: 'run.googleapis.com/client-version',
    on: EVERYWHERE,
    effect: stored(),
    notInheritedBy: OWN,
  },
  creator: { key: 'run.googleapis.com/creator', on: EVERYWHERE, effect: AUTHOR, notInheritedBy: OWN },
  lastModifier: {
    key: 'run.googleapis.com/lastModifier',
    on: EVERYWHERE,
    effect: AUTHOR,
    notInheritedBy: OWN,
  },
  creatorEmail: {
    key: 'run.googleapis.com/creatorEmail',
    on: EVERYWHERE,
    effect: stored(),
    notInheritedBy: OWN,
  },
  lastModifierEmail: {
    key: 'run.googleapis.com/lastModifierEmail',
    on: EVERYWHERE,
    effect: stored(),
    notInheritedBy: OWN,
  },
  executionName: { key: 'run.googleapis.com/execution_name', on: EVERYWHERE, effect: stored() },
  gcTrafficTags: {
    key: 'run.googleapis.com/gc-traffic-tags',
    on: SERVICE,
    effect: ignored('tags stay until they are removed from spec.traffic'),
  },
  binaryAuthorization: {
    key: 'run.googleapis.com/binary-authorization',
    on: EVERYWHERE,
    effect: ignored('images are not checked; use an admission policy of the cluster for that'),
  },
  binaryAuthorizationBreakglass: {
    key: 'run.googleapis.com/binary-authorization-breakglass',
    on: EVERYWHERE,
    effect: ignored('images are not checked, so there is nothing to override'),
  },
  threatDetection: {
    key: 'run.googleapis.com/threat-detection',
    on: EVERYWHERE,
    effect: ignored('instances are not watched for threats; use a tool of the cluster for that'),
  },
} as const satisfies Record<string, Annotation>;
