import { CONTAINER, SPEC, testErrors } from '../service/errorCases.ts';

describe('probes', () => {
  testErrors({
    'a startup probe without a handler': {
      container: '{startupProbe: {failureThreshold: 3}}',
      reason: 'TCP is the default',
    },
    'a liveness probe without a handler': {
      container: '{livenessProbe: {periodSeconds: 5}}',
      errors: [[`${CONTAINER}.livenessProbe`, /must have one of httpGet, tcpSocket, grpc, exec/]],
      reason: 'there is no default',
    },
    'a probe with two handlers': {
      container: '{livenessProbe: {httpGet: {}, grpc: {}}}',
      errors: [[`${CONTAINER}.livenessProbe`, /has httpGet and grpc; only one/]],
      reason: 'only one can count',
    },
    'a probe by command': {
      container: '{livenessProbe: {exec: {command: [x]}}}',
      errors: [[`${CONTAINER}.livenessProbe.exec`, /not supported by Cloud Run/]],
      strict: true,
      reason: "Knative's own",
    },
    'a readiness probe': {
      container: '{readinessProbe: {httpGet: {path: /ready}}}',
      reason: 'Cloud Run has it since 2026 (Configure container health checks)',
    },
    'a readiness probe by gRPC': {
      container: '{readinessProbe: {grpc: {service: s}}}',
      reason: 'the other kind that Cloud Run has',
    },
    'a readiness probe as only Knative has it': {
      container: '{readinessProbe: {tcpSocket: {}, initialDelaySeconds: 5}}',
      errors: [
        [`${CONTAINER}.readinessProbe.tcpSocket`, /not supported by Cloud Run/],
        [`${CONTAINER}.readinessProbe.initialDelaySeconds`, /not supported by Cloud Run/],
      ],
      strict: true,
      reason: 'the API rejects both',
    },
    'a readiness probe that waits for six minutes': {
      container: '{readinessProbe: {httpGet: {}, timeoutSeconds: 360, periodSeconds: 400}}',
      errors: [
        [`${CONTAINER}.readinessProbe.timeoutSeconds`, /is 360; it must be a whole number from 0 to 300/],
      ],
      strict: true,
      reason: 'the API rejects it',
    },
    'a timeout longer than the period': {
      container: '{livenessProbe: {httpGet: {}, timeoutSeconds: 11}}',
      errors: [[`${CONTAINER}.livenessProbe.timeoutSeconds`, /is 11; it must be at most periodSeconds, 10/]],
      strict: true,
      advice: true,
      reason: 'the next probe would begin before this one ends; the API takes it',
    },
    'a startup probe that begins after five minutes': {
      container: '{startupProbe: {httpGet: {}, initialDelaySeconds: 300}}',
      errors: [
        [`${CONTAINER}.startupProbe.initialDelaySeconds`, /is 300; it must be a whole number from 0 to 240/],
      ],
      strict: true,
      reason: 'a container has four minutes',
    },
    'more failures than anybody would wait for': {
      container: '{startupProbe: {failureThreshold: 20000}}',
      reason: 'no document names a limit',
    },
    'a liveness probe that needs two successes': {
      container: '{livenessProbe: {httpGet: {}, successThreshold: 2}}',
      errors: [
        [`${CONTAINER}.livenessProbe.successThreshold`, /is 2; it must be a whole number from 0 to 1/],
      ],
      reason: 'no cluster runs such a pod',
    },
    'a path with a space': {
      container: '{startupProbe: {httpGet: {path: /health check}}}',
      errors: [
        [
          `${CONTAINER}.startupProbe.httpGet.path`,
          /is "\/health check"; it must be visible ASCII without spaces/,
        ],
      ],
      reason: 'no request can carry it (RFC 9112, 3.2)',
    },
    'a path with escapes and a query': {
      container: '{startupProbe: {httpGet: {path: "/caf%C3%A9/up?deep=1&a=[b]"}}}',
      reason: 'that is how it is written',
    },
    'a path with letters beyond ASCII': {
      container: '{livenessProbe: {httpGet: {path: /café}}}',
      errors: [[`${CONTAINER}.livenessProbe.httpGet.path`, /is "\/café"/]],
      reason: 'they must be escaped',
    },
    'a header that is no valid HTTP': {
      container: '{startupProbe: {httpGet: {httpHeaders: [{name: X Probe, value: "café ☕"}]}}}',
      errors: [
        [`${CONTAINER}.startupProbe.httpGet.httpHeaders[0].name`, /is "X Probe"; it must be letters, digits/],
        [`${CONTAINER}.startupProbe.httpGet.httpHeaders[0].value`, /is "café ☕"; it must be visible ASCII/],
      ],
      reason: 'no request can carry it (RFC 9110, 5.1 and 5.5)',
    },
    'a header value with a line break': {
      container: '{startupProbe: {httpGet: {httpHeaders: [{name: X-A, value: "a\\r\\nB: c"}]}}}',
      errors: [[`${CONTAINER}.startupProbe.httpGet.httpHeaders[0].value`, /is "a\\r\\nB: c"/]],
      reason: 'it would be another header',
    },
    'a probe of a sidecar without a port': {
      container: '{ports: [{containerPort: 8080}]}',
      more: '[{image: b, livenessProbe: {httpGet: {path: /}}}]',
      errors: [[`${SPEC}.containers[1].livenessProbe.httpGet.port`, /must be set/]],
      reason: 'a sidecar has no port of its own',
    },
    'a probe of a port by a wrong name': {
      container: '{livenessProbe: {httpGet: {port: web}}}',
      errors: [
        [
          `${CONTAINER}.livenessProbe.httpGet.port`,
          /is "web"; it must be a number from 1 to 65535, or http1/,
        ],
      ],
      reason: 'the container has no such port',
    },
  });
});
