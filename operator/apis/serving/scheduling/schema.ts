import { type TProperties, Type } from 'typebox';
import {
  choice,
  flag,
  int32,
  int64,
  list,
  object,
  optionalObject,
  requiredChoice,
  requiredInt32,
  requiredText,
  text,
  textMap,
} from '../../schema.ts';
import { MAX_ID, SeccompProfile } from '../container/schema.ts';

/** Scheduling of pods, which Knative Serving allows behind feature flags. Cloud Run supports none of it. */

const requirement = (operators: readonly string[]) =>
  Type.Object({
    key: requiredText(317, 'Label key.'),
    operator: requiredChoice(operators, 'Operator that relates key and values.'),
    values: list(Type.String({ maxLength: 63 }), 100, 'Values to compare with.'),
  });

const NodeTerm = Type.Object({
  matchExpressions: list(
    requirement(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
    50,
    'Requirements on labels of the node.',
  ),
  matchFields: list(requirement(['In', 'NotIn']), 10, 'Requirements on fields of the node.'),
});

const LabelSelector = object('Selector of pods.', {
  matchLabels: textMap(50, 'Labels that must be equal.'),
  matchExpressions: list(
    requirement(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    50,
    'Requirements on labels.',
  ),
});

const PodTerm = Type.Object({
  labelSelector: Type.Optional(LabelSelector),
  namespaceSelector: Type.Optional(LabelSelector),
  namespaces: list(Type.String({ maxLength: 63 }), 50, 'Namespaces of those pods.'),
  matchLabelKeys: list(Type.String({ maxLength: 317 }), 20, "Labels whose values must equal the pod's own."),
  mismatchLabelKeys: list(
    Type.String({ maxLength: 317 }),
    20,
    "Labels whose values must differ from the pod's own.",
  ),
  topologyKey: requiredText(317, 'Node label that defines a topology domain.'),
});

const preferred = <T extends TProperties>(term: T) =>
  list(
    Type.Object({ weight: requiredInt32(1, 100, 'Weight of the rule.'), ...term }),
    20,
    'Preferred rules.',
  );

const podAffinity = (description: string) =>
  optionalObject(description, {
    requiredDuringSchedulingIgnoredDuringExecution: list(PodTerm, 20, 'Required rules.'),
    preferredDuringSchedulingIgnoredDuringExecution: preferred({ podAffinityTerm: PodTerm }),
  });

const Affinity = object('Scheduling constraints. Not supported by Cloud Run.', {
  nodeAffinity: optionalObject('Affinity to nodes.', {
    requiredDuringSchedulingIgnoredDuringExecution: optionalObject('Required rules.', {
      nodeSelectorTerms: Type.Array(NodeTerm, {
        maxItems: 20,
        description: 'Terms, one of which must match.',
      }),
    }),
    preferredDuringSchedulingIgnoredDuringExecution: preferred({ preference: NodeTerm }),
  }),
  podAffinity: podAffinity('Affinity to pods.'),
  podAntiAffinity: podAffinity('Anti-affinity to pods.'),
});

const PodSecurityContext = object('Security settings of all containers. Not supported by Cloud Run.', {
  fsGroup: int64(0, MAX_ID, 'Group that owns the volumes.'),
  runAsGroup: int64(0, MAX_ID, 'Group id of the processes.'),
  runAsNonRoot: flag('Whether no container may run as root.'),
  runAsUser: int64(0, MAX_ID, 'User id of the processes.'),
  supplementalGroups: list(
    Type.Integer({ format: 'int64', minimum: 0, maximum: MAX_ID }),
    50,
    'Supplemental groups of the processes.',
  ),
  seccompProfile: SeccompProfile,
});

/** Pod-level fields of a revision that only Knative Serving has. */
export const schedulingFields = {
  affinity: Type.Optional(Affinity),
  tolerations: list(
    Type.Object({
      key: text(317, 'Taint key; every key when unset.'),
      operator: choice(['Exists', 'Equal', ''], 'Operator that relates key and value.'),
      value: text(63, 'Taint value.'),
      effect: choice(['NoSchedule', 'PreferNoSchedule', 'NoExecute', ''], 'Taint effect.'),
      tolerationSeconds: int64(
        0,
        Number.MAX_SAFE_INTEGER,
        'Seconds for which a NoExecute taint is tolerated.',
      ),
    }),
    50,
    'Taints to tolerate. Not supported by Cloud Run.',
  ),
  topologySpreadConstraints: list(
    Type.Object({
      maxSkew: Type.Integer({
        format: 'int32',
        minimum: 1,
        description: 'Maximum difference between two topology domains.',
      }),
      topologyKey: requiredText(317, 'Node label that defines a topology domain.'),
      whenUnsatisfiable: requiredChoice(
        ['DoNotSchedule', 'ScheduleAnyway'],
        'What to do when the constraint cannot be satisfied.',
      ),
      labelSelector: Type.Optional(LabelSelector),
      matchLabelKeys: list(
        Type.String({ maxLength: 317 }),
        20,
        "Labels whose values must equal the pod's own.",
      ),
      minDomains: int32(1, 2 ** 31 - 1, 'Minimum number of topology domains.'),
    }),
    20,
    'How to spread over topology domains. Not supported by Cloud Run.',
  ),
  hostAliases: list(
    Type.Object({
      ip: requiredText(45, 'Address.'),
      hostnames: list(Type.String({ maxLength: 253 }), 50, 'Host names of the address.'),
    }),
    50,
    'Entries of /etc/hosts. Not supported by Cloud Run.',
  ),
  dnsPolicy: choice(
    ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None', ''],
    'DNS policy. Not supported by Cloud Run.',
  ),
  dnsConfig: optionalObject('Settings of the resolver. Not supported by Cloud Run.', {
    nameservers: list(Type.String({ maxLength: 45 }), 3, 'Addresses of servers.'),
    searches: list(Type.String({ maxLength: 253 }), 32, 'Domains to search.'),
    options: list(
      Type.Object({
        name: text(64, 'Name of the option.'),
        value: text(64, 'Value of the option.'),
      }),
      20,
      'Options of the resolver.',
    ),
  }),
  priorityClassName: text(253, 'Priority class. Not supported by Cloud Run.'),
  schedulerName: text(253, 'Scheduler. Not supported by Cloud Run.'),
  securityContext: Type.Optional(PodSecurityContext),
  shareProcessNamespace: flag('Whether containers share a process namespace. Not supported by Cloud Run.'),
};
