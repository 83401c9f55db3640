import { attributes, ERROR, HAS_IS_REMOTE, INTERNAL, SAMPLED, type Span } from '../gateway/shared/otlp.ts';
import type { Reconciled } from '../kube/controller.ts';

/**
 * The span of a reconcile, which is a trace of its own: what made it necessary was a change, not a request. Pure.
 * @param ids 32 and 16 hexadecimal digits.
 */
export function reconcileSpan(reconciled: Reconciled, ids: { traceId: string; spanId: string }): Span {
  const { controller, key, attempt, startedAt, durationMs, result, error } = reconciled;
  const [name = '', namespace] = key.split('/').toReversed();
  const isFailure = result === 'error' || result === 'terminal';
  const message = error instanceof Error ? error.message : undefined;
  return {
    ...ids,
    parentSpanId: undefined,
    flags: SAMPLED | HAS_IS_REMOTE,
    name: `reconcile ${controller}`,
    kind: INTERNAL,
    startTimeUnixNano: nanoseconds(startedAt),
    endTimeUnixNano: nanoseconds(startedAt + durationMs),
    attributes: attributes({
      'homerun.controller': controller,
      'k8s.namespace.name': namespace,
      'homerun.object.name': name,
      'homerun.reconcile.result': result,
      'homerun.reconcile.attempt': attempt,
      'error.type': isFailure ? codeOf(error) : undefined,
    }),
    status: isFailure ? { code: ERROR, ...(message !== undefined && { message }) } : undefined,
  };
}

/** The code of one of our errors, else the class of it (Semantic Conventions, error.type). */
function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return String(code ?? name ?? 'error');
}

/** Unix time in ns, exact to the microsecond: a number of ns would be rounded. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}
