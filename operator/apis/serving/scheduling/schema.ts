import { Type } from 'typebox';
import { choice, flag, int32, int64, list, text, textMap } from '../../schema.ts';

/** Scheduling of pods, which Knative Serving allows behind feature flags. Cloud Run supports none of it. */

const requirement = (operators: readonly string[]) =>
  Type.Object({
    key: Type.String({ description: 'Label key.', maxLength: 317 }),
    operator: Type.Unsafe<string>({
      type: 'string',
      enum: [...operators],
      description: 'Operator that relates key and values.',
    }),
    values: list(Type.String({ maxLength: 63 }), 100, { description: 'Values to compare with.' }),
  });

const NodeTerm = Type.Object({
  matchExpressions: list(requirement(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']), 50, {
    description: 'Requirements on labels of the node.',
  }),
  matchFields: list(requirement(['In', 'NotIn']), 10, { description: 'Requirements on fields of the node.' }),
});

const LabelSelector = Type.Object(
  {
    matchLabels: textMap(50, { description: 'Labels that must be equal.' }),
    matchExpressions: list(requirement(['In', 'NotIn', 'Exists', 'DoesNotExist']), 50, {
      description: 'Requirements on labels.',
    }),
  },
  { description: 'Selector of pods.' },
);

const PodTerm = Type.Object({
  labelSelector: Type.Optional(LabelSelector),
  namespaceSelector: Type.Optional(LabelSelector),
  namespaces: list(Type.String({ maxLength: 63 }), 50, { description: 'Namespaces of those pods.' }),
  matchLabelKeys: list(Type.String({ maxLength: 317 }), 20, {
    description: "Labels whose values must equal the pod's own.",
  }),
  mismatchLabelKeys: list(Type.String({ maxLength: 317 }), 20, {
    description: "Labels whose values must differ from the pod's own.",
  }),
  topologyKey: Type.String({ description: 'Node label that defines a topology domain.', maxLength: 317 }),
});

const podAffinity = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        requiredDuringSchedulingIgnoredDuringExecution: list(PodTerm, 20, { description: 'Required rules.' }),
        preferredDuringSchedulingIgnoredDuringExecution: list(
          Type.Object({
            weight: Type.Integer({
              format: 'int32',
              minimum: 1,
              maximum: 100,
              description: 'Weight of the rule.',
            }),
            podAffinityTerm: PodTerm,
          }),
          20,
          { description: 'Preferred rules.' },
        ),
      },
      { description },
    ),
  );

const Affinity = Type.Object(
  {
    nodeAffinity: Type.Optional(
      Type.Object(
        {
          requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(
            Type.Object(
              {
                nodeSelectorTerms: Type.Array(NodeTerm, {
                  maxItems: 20,
                  description: 'Terms, one of which must match.',
                }),
              },
              { description: 'Required rules.' },
            ),
          ),
          preferredDuringSchedulingIgnoredDuringExecution: list(
            Type.Object({
              weight: Type.Integer({
                format: 'int32',
                minimum: 1,
                maximum: 100,
                description: 'Weight of the rule.',
              }),
              preference: NodeTerm,
            }),
            20,
            { description: 'Preferred rules.' },
          ),
        },
        { description: 'Affinity to nodes.' },
      ),
    ),
    podAffinity: podAffinity('Affinity to pods.'),
    podAntiAffinity: podAffinity('Anti-affinity to pods.'),
  },
  { description: 'Scheduling constraints. Not supported by Cloud Run.' },
);

const MAX_ID = 2 ** 31 - 1;

const PodSecurityContext = Type.Object(
  {
    fsGroup: int64(0, MAX_ID, { description: 'Group that owns the volumes.' }),
    runAsGroup: int64(0, MAX_ID, { description: 'Group id of the processes.' }),
    runAsNonRoot: flag('Whether no container may run as root.'),
    runAsUser: int64(0, MAX_ID, { description: 'User id of the processes.' }),
    supplementalGroups: list(Type.Integer({ format: 'int64', minimum: 0, maximum: MAX_ID }), 50, {
      description: 'Supplemental groups of the processes.',
    }),
    seccompProfile: Type.Optional(
      Type.Object(
        {
          type: Type.String({ description: 'RuntimeDefault, Localhost or Unconfined.', maxLength: 64 }),
          localhostProfile: text(1024, { description: 'Profile file on the node.' }),
        },
        { description: 'System call filter.' },
      ),
    ),
  },
  { description: 'Security settings of all containers. Not supported by Cloud Run.' },
);

/** Pod-level fields of a revision that only Knative Serving has. */
export const schedulingFields = {
  affinity: Type.Optional(Affinity),
  tolerations: list(
    Type.Object({
      key: text(317, { description: 'Taint key; every key when unset.' }),
      operator: choice(['Exists', 'Equal', ''], { description: 'Operator that relates key and value.' }),
      value: text(63, { description: 'Taint value.' }),
      effect: choice(['NoSchedule', 'PreferNoSchedule', 'NoExecute', ''], { description: 'Taint effect.' }),
      tolerationSeconds: int64(0, Number.MAX_SAFE_INTEGER, {
        description: 'Seconds for which a NoExecute taint is tolerated.',
      }),
    }),
    50,
    { description: 'Taints to tolerate. Not supported by Cloud Run.' },
  ),
  topologySpreadConstraints: list(
    Type.Object({
      maxSkew: Type.Integer({
        format: 'int32',
        minimum: 1,
        description: 'Maximum difference between two topology domains.',
      }),
      topologyKey: Type.String({ description: 'Node label that defines a topology domain.', maxLength: 317 }),
      whenUnsatisfiable: Type.Unsafe<string>({
        type: 'string',
        enum: ['DoNotSchedule', 'ScheduleAnyway'],
        description: 'What to do when the constraint cannot be satisfied.',
      }),
      labelSelector: Type.Optional(LabelSelector),
      matchLabelKeys: list(Type.String({ maxLength: 317 }), 20, {
        description: "Labels whose values must equal the pod's own.",
      }),
      minDomains: int32(1, 2 ** 31 - 1, { description: 'Minimum number of topology domains.' }),
    }),
    20,
    { description: 'How to spread over topology domains. Not supported by Cloud Run.' },
  ),
  hostAliases: list(
    Type.Object({
      ip: Type.String({ description: 'Address.', maxLength: 45 }),
      hostnames: list(Type.String({ maxLength: 253 }), 50, { description: 'Host names of the address.' }),
    }),
    50,
    { description: 'Entries of /etc/hosts. Not supported by Cloud Run.' },
  ),
  dnsPolicy: choice(['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None', ''], {
    description: 'DNS policy. Not supported by Cloud Run.',
  }),
  dnsConfig: Type.Optional(
    Type.Object(
      {
        nameservers: list(Type.String({ maxLength: 45 }), 3, { description: 'Addresses of servers.' }),
        searches: list(Type.String({ maxLength: 253 }), 32, { description: 'Domains to search.' }),
        options: list(
          Type.Object({
            name: text(64, { description: 'Name of the option.' }),
            value: text(64, { description: 'Value of the option.' }),
          }),
          20,
          { description: 'Options of the resolver.' },
        ),
      },
      { description: 'Settings of the resolver. Not supported by Cloud Run.' },
    ),
  ),
  priorityClassName: text(253, { description: 'Priority class. Not supported by Cloud Run.' }),
  schedulerName: text(253, { description: 'Scheduler. Not supported by Cloud Run.' }),
  securityContext: Type.Optional(PodSecurityContext),
  shareProcessNamespace: flag('Whether containers share a process namespace. Not supported by Cloud Run.'),
};
