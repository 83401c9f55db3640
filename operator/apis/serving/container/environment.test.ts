import { CONTAINER, testErrors } from '../service/errorCases.ts';

describe('environment of a container', () => {
  testErrors({
    'a variable named PORT': {
      container: '{env: [{name: PORT, value: "1"}]}',
      errors: [[`${CONTAINER}.env[0].name`, /is "PORT", which the platform sets/]],
      reason: 'the container would listen on a port without requests',
    },
    'a variable named PORT in a sidecar': {
      container: '{ports: [{containerPort: 8080}]}',
      more: '[{image: b, env: [{name: PORT, value: "1"}]}]',
      reason: 'PORT is set in the ingress container only',
    },
    'a variable named K_SERVICE': {
      container: '{env: [{name: K_SERVICE, value: x}]}',
      errors: [[`${CONTAINER}.env[0].name`, /which the platform sets/]],
      reason: 'reserved',
    },
    'a variable named CLOUD_RUN_JOB': {
      container: '{env: [{name: CLOUD_RUN_JOB, value: x}]}',
      errors: [[`${CONTAINER}.env[0].name`, /which the platform sets/]],
      strict: true,
      reason: 'a program may take it for a sign that it is a job; Knative does not mind',
    },
    'a variable with value and source': {
      container: '{env: [{name: A, value: x, valueFrom: {secretKeyRef: {name: s, key: latest}}}]}',
      errors: [[`${CONTAINER}.env[0].valueFrom`, /together with value/]],
      reason: 'only one can count',
    },
    'a variable from a secret': {
      container: '{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: latest}}}]}',
      reason: 'as gcloud writes it',
    },
    'a variable from a ConfigMap': {
      container: '{env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}]}',
      errors: [[`${CONTAINER}.env[0].valueFrom.configMapKeyRef`, /not supported by Cloud Run/]],
      strict: true,
      reason: "Knative's own",
    },
    'a variable twice': {
      container: '{env: [{name: A, value: x}, {name: A, value: y}]}',
      reason: 'the last one counts',
    },
    'a value of 32769 bytes': {
      container: `{env: [{name: A, value: ${'x'.repeat(32_769)}}]}`,
      errors: [[`${CONTAINER}.env[0].value`, /32769 bytes; it may have at most 32768/]],
      reason: 'one byte too many',
    },

    'a variable with = in its name': {
      container: '{env: [{name: A=B, value: x}]}',
      errors: [[`${CONTAINER}.env[0].name`, /is "A=B"; it must be printable ASCII without =/]],
      reason: 'the program would see another name',
    },
    'a variable from nowhere': {
      container: '{env: [{name: A, valueFrom: {}}]}',
      errors: [[`${CONTAINER}.env[0].valueFrom`, /must have exactly one of secretKeyRef/]],
      reason: 'it would have no value',
    },
    'a variable from a secret, and again': {
      container: '{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: latest}}}, {name: A, value: x}]}',
      errors: [[`${CONTAINER}.env[0].name`, /is "A", which is set more than once/]],
      strict: true,
      reason: 'Cloud Run wants the names of secrets to be unique',
    },
    'variables from two sources at once': {
      container: '{envFrom: [{secretRef: {name: s}, configMapRef: {name: c}}]}',
      errors: [
        [`${CONTAINER}.envFrom`, /not supported by Cloud Run/],
        [`${CONTAINER}.envFrom[0]`, /exactly one of secretRef and configMapRef/],
      ],
      reason: 'only one can count',
    },
  });
});
