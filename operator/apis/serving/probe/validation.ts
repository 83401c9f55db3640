import { ADVICE, at, type FieldError, mustBe, STRICT, unsupported } from '../../fieldError.ts';
import type { Probe } from '../container/types.ts';
import type { ProbePort } from './defaults.ts';
import { HEADER_NAME, HEADER_VALUE, REQUEST_PATH } from './schema.ts';

export type ProbeKind = 'startupProbe' | 'livenessProbe' | 'readinessProbe';

const HANDLERS = ['httpGet', 'tcpSocket', 'grpc', 'exec'] as const;

/** Fields that Knative Serving supports and Cloud Run does not (Cloud Run, Configure container health checks). */
const UNSUPPORTED: Readonly<Record<ProbeKind, readonly (keyof Probe & string)[]>> = {
  startupProbe: ['exec'],
  livenessProbe: ['exec', 'tcpSocket'],
  readinessProbe: ['exec', 'tcpSocket', 'initialDelaySeconds'],
};

/** Maximum values in seconds on Cloud Run where Knative Serving allows more (API reference, Probe). */
const LONGEST: Readonly<Record<ProbeKind, Partial<Record<TimingField, number>>>> = {
  startupProbe: { initialDelaySeconds: 240, periodSeconds: 240 },
  livenessProbe: {},
  readinessProbe: { timeoutSeconds: 300 },
};

type TimingField = 'initialDelaySeconds' | 'periodSeconds' | 'timeoutSeconds';

/**
 * Validates a probe.
 * @param port the port of the ingress container; undefined for other containers, whose probes must name one.
 */
export function validateProbe(
  kind: ProbeKind,
  probe: Probe | undefined,
  port: ProbePort | undefined,
  path: string,
): FieldError[] {
  if (!probe) return [];
  return [
    ...validateHandlers(kind, probe, port !== undefined, path),
    ...validatePorts(probe, port, path),
    ...validateTiming(kind, probe, path),
  ];
}

function validateHandlers(kind: ProbeKind, probe: Probe, ingress: boolean, path: string): FieldError[] {
  const set = HANDLERS.filter((handler) => probe[handler] !== undefined);
  if (set.length > 1)
    return [{ path, message: `has ${set.join(' and ')}; only one of ${HANDLERS.join(', ')} may be set` }];
  const implied = ingress && kind !== 'livenessProbe';
  if (set.length === 0 && !implied) return [{ path, message: `must have one of ${HANDLERS.join(', ')}` }];
  return [
    ...(kind === 'startupProbe' ? validateStartup(probe, path) : []),
    ...unsupported(probe, UNSUPPORTED[kind], path),
    ...(probe.httpGet ? unsupported(probe.httpGet, ['host', 'scheme'], `${path}.httpGet`) : []),
    ...(probe.httpGet ? validateRequest(probe.httpGet, `${path}.httpGet`) : []),
    ...(probe.tcpSocket ? unsupported(probe.tcpSocket, ['host'], `${path}.tcpSocket`) : []),
  ];
}

/** The API requires a handler; a cluster checks the port by TCP, as without a probe. */
function validateStartup(probe: Probe, path: string): FieldError[] {
  if (Object.keys(probe).length > 0) return [];
  const message = 'is empty; it must have one of httpGet, tcpSocket, grpc, or be omitted';
  return [{ path, message, strict: true }];
}

/** A probe that cannot be sent as an HTTP request would never succeed. */
function validateRequest(httpGet: NonNullable<Probe['httpGet']>, path: string): FieldError[] {
  const { path: target = '', httpHeaders = [] } = httpGet;
  return [
    ...unlike(target, REQUEST_PATH, 'visible ASCII without spaces; write %20 for a space', `${path}.path`),
    ...httpHeaders.flatMap(({ name, value = '' }, i) => [
      ...unlike(name, HEADER_NAME, 'letters, digits and dashes', `${at(`${path}.httpHeaders`, i)}.name`),
      ...unlike(
        value,
        HEADER_VALUE,
        'visible ASCII, spaces and tabs',
        `${at(`${path}.httpHeaders`, i)}.value`,
      ),
    ]),
  ];
}

function unlike(value: string, pattern: string, wanted: string, path: string): FieldError[] {
  return new RegExp(pattern).test(value) ? [] : [mustBe(path, value, wanted)];
}

function validatePorts(
  { httpGet, tcpSocket, grpc }: Probe,
  port: ProbePort | undefined,
  path: string,
): FieldError[] {
  return Object.entries({ httpGet, tcpSocket, grpc }).flatMap(([name, handler]) =>
    handler ? validatePort(handler.port, port, `${path}.${name}.port`) : [],
  );
}

function validatePort(
  value: number | string | undefined,
  port: ProbePort | undefined,
  path: string,
): FieldError[] {
  const message = 'must be set: only probes of the ingress container have a default port';
  if (!value) return port ? [] : [{ path, message }];
  if (typeof value === 'number' || value === port?.name) return [];
  const name = port ? `, or ${port.name}, the name of the container's port` : '';
  return [mustBe(path, value, `a number from 1 to 65535${name}`)];
}

function validateTiming(kind: ProbeKind, probe: Probe, path: string): FieldError[] {
  const limits = Object.entries(LONGEST[kind]) as [TimingField, number][];
  const errors = limits.flatMap(([field, most]) =>
    (probe[field] ?? 0) > most
      ? [mustBe(`${path}.${field}`, probe[field], `a whole number from 0 to ${most}`, STRICT)]
      : [],
  );
  const period = probe.periodSeconds || 10;
  const timeout = probe.timeoutSeconds || 1;
  if (timeout > period) {
    // The documentation forbids it; the API accepts it.
    errors.push(mustBe(`${path}.timeoutSeconds`, timeout, `at most periodSeconds, ${period}`, ADVICE));
  }
  return errors;
}
