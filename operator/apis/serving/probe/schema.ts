import { Type } from 'typebox';
import {
  type CelRule,
  int32,
  intOrString,
  list,
  object,
  optionalObject,
  requiredText,
  rules,
  text,
} from '../../schema.ts';

const port = () =>
  Type.Optional(
    intOrString({
      description: 'Port number, or the name of the container port. Unset or 0 is the port of the container.',
      minimum: 0,
      maximum: 65535,
      maxLength: 15,
    }),
  );

/** A header name that Kubernetes allows in a probe: a subset of RFC 9110, 5.1. */
export const HEADER_NAME = '^[-A-Za-z0-9]+$';

/** A header value that is interpreted consistently: visible ASCII, spaces and tabs (RFC 9110, 5.5). */
export const HEADER_VALUE = '^[\\t -~]*$';

/** A request target: visible ASCII without spaces (RFC 9112, 3.2). */
export const REQUEST_PATH = '^[!-~]*$';

const HttpHeader = Type.Object({
  name: requiredText(256, 'Header field name: letters, digits and dashes.', {
    minLength: 1,
    pattern: HEADER_NAME,
  }),
  value: text(8192, 'Header field value: visible ASCII, spaces and tabs.', { pattern: HEADER_VALUE }),
});

const handlers = {
  exec: optionalObject('Runs a command. Not supported by Cloud Run.', {
    command: list(
      Type.String({ maxLength: 4096 }),
      100,
      'Command to run inside the container; exit code 0 is a success.',
    ),
  }),
  httpGet: optionalObject('Sends an HTTP GET request; a status from 200 to 399 is a success.', {
    host: text(253, 'Host to connect to. Not supported by Cloud Run.'),
    httpHeaders: list(HttpHeader, 50, 'Headers to send.'),
    path: text(2048, 'Path to request, visible ASCII without spaces; / when unset.', {
      pattern: REQUEST_PATH,
    }),
    port: port(),
    scheme: text(5, 'HTTP (default) or HTTPS. Not supported by Cloud Run.', { pattern: '^(HTTP|HTTPS|)$' }),
  }),
  tcpSocket: optionalObject('Opens a TCP connection; an accepted connection is a success.', {
    host: text(253, 'Host to connect to. Not supported by Cloud Run.'),
    port: port(),
  }),
  grpc: optionalObject('Calls the gRPC health service.', {
    port: int32(0, 65535, 'Port number. Unset or 0 is the port of the container.'),
    service: text(1024, 'Service name in the gRPC health check request.'),
  }),
};

const COUNT_HANDLERS =
  '[has(self.exec), has(self.httpGet), has(self.tcpSocket), has(self.grpc)].filter(h, h).size()';

const AT_MOST_ONE: CelRule = {
  rule: `${COUNT_HANDLERS} <= 1`,
  message: 'a probe may have only one of httpGet, tcpSocket, grpc, exec',
};

const EXACTLY_ONE: CelRule = {
  rule: `${COUNT_HANDLERS} == 1`,
  message: 'a liveness probe needs exactly one of httpGet, grpc, tcpSocket, exec',
};

/** Largest 32-bit integer: no document names a limit. */
const MAX_THRESHOLD = 2 ** 31 - 1;

function probe(description: string, rule: CelRule, mostSuccesses = 1) {
  return object(
    description,
    {
      ...handlers,
      initialDelaySeconds: int32(
        0,
        3600,
        'Seconds from the start of the container to the first probe; 0 when unset.',
      ),
      periodSeconds: int32(0, 3600, 'Seconds between probes; 10 when unset or 0.'),
      timeoutSeconds: int32(0, 3600, 'Timeout of a probe in seconds; 1 when unset or 0.'),
      failureThreshold: int32(
        0,
        MAX_THRESHOLD,
        'Consecutive failures after which the probe has failed; 3 when unset or 0.',
      ),
      successThreshold: int32(
        0,
        mostSuccesses,
        'Consecutive successes after which the probe has succeeded; 1 when unset or 0.',
      ),
    },
    rules(rule),
  );
}

/** Startup probe: a TCP check of the container port when it has no handler. */
export const StartupProbeSchema = probe(
  'Indicates when the container has started. Default of the ingress container: a TCP check of its port for 240 s.',
  AT_MOST_ONE,
);

/** Liveness probe: restarts a container that fails it. */
export const LivenessProbeSchema = probe('Restarts the container when it fails.', EXACTLY_ONE);

/** Readiness probe: a TCP check of the container port when it has no handler. */
export const ReadinessProbeSchema = probe(
  'Takes the instance out of service while it fails.',
  AT_MOST_ONE,
  MAX_THRESHOLD,
);
