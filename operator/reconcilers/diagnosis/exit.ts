import { constants } from 'node:os';
import { ingressPort } from '../../apis/serving/container/ingress.ts';
import { podContainerName } from '../../apis/serving/container/names.ts';
import type { Container, Probe } from '../../apis/serving/container/types.ts';
import { exitCodeReason, REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import { probeBudgetSeconds } from '../pod/probes.ts';
import type { Evidence, Terminated } from './evidence.ts';
import { memoryMessage } from './memory.ts';

/** The reason of a condition for how a container exited. */
export function exitReason(
  container: Container,
  terminated: Terminated,
  input: Pick<Evidence, 'runs' | 'proven'>,
): string {
  if (terminated.reason === 'OOMKilled') return REASONS.outOfMemory;
  if (startError(terminated)) return REASONS.startError;
  if (killedByProbe(container, terminated, input)) return REASONS.healthCheckContainerError;
  return exitCodeReason(terminated.exitCode);
}

/** What a person reads when a container exited: why, and the last line of its log. */
export function exitMessage(
  container: Container,
  terminated: Terminated,
  input: Pick<Evidence, 'config' | 'runs' | 'proven'>,
  when = ' before it was ready',
): string {
  const quote = lastLogLine(terminated.message);
  if (terminated.reason === 'OOMKilled') {
    return `${memoryMessage({ what: 'memory', container: podContainerName(container.name) }, [container])}${quote}`;
  }
  if (killedByProbe(container, terminated, input)) {
    const budget = Math.min(probeBudgetSeconds(container.startupProbe), input.config.startup.limitSeconds);
    return `${notListening(container, budget, input)}${quote}`;
  }
  const unstarted = startError(terminated);
  if (unstarted) return `Container '${container.name}' cannot be started: ${unstarted}.`;
  const signal = signalOf(terminated.exitCode);
  const how = `${terminated.exitCode}${signal ? `, which stands for ${signal}${when && ','}` : ''}`;
  return `Container '${container.name}' exited with code ${how}${when}.${quote}`;
}

/**
 * The signal that an exit code stands for, such as `signal 11 (SIGSEGV)` for 139 (container contract, Exit codes).
 * Codes above 128 that no signal makes, such as 255, are the program's own.
 */
export function signalOf(exitCode: number): string | undefined {
  const number = exitCode - 128;
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name && `signal ${number} (${name})`;
}

/** What the container runtime says of a program that it could not even start: a command that is not there, say. */
export function startError({ reason, message = '' }: Terminated): string | undefined {
  if (reason !== 'StartError') return undefined;
  const [, cause = message] = /unable to start container process: (.*)$/s.exec(message) ?? [];
  return cause.trim().replace(/: unknown$/, '');
}

/** The kubelet stops a container whose startup probe has failed for good by signals alone. */
function killedByProbe(
  container: Container,
  { exitCode, startedAt, finishedAt }: Terminated,
  { runs, proven }: Pick<Evidence, 'runs' | 'proven'>,
): boolean {
  // It may have been at work for as long as that.
  if (proven) return false;
  // Without a port and a probe of its own the container is not probed.
  if (runs !== 'service' && !container.startupProbe) return false;
  if (exitCode !== 137 && exitCode !== 143 && exitCode !== 2 && exitCode !== 0) return false;
  const ranSeconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
  return ranSeconds >= probeBudgetSeconds(container.startupProbe) - 2;
}

/** What a person reads of a container that has not started in time: what it was probed for. */
export function notListening(
  container: Container | undefined,
  seconds: number,
  { runs }: Pick<Evidence, 'runs'>,
): string {
  const name = container?.name ?? '';
  const probe = container?.startupProbe;
  if (runs !== 'service' && !probe) return `Container '${name}' did not start within ${seconds} s.`;
  const port = container ? ingressPort(container) : undefined;
  // Other containers have no PORT; they name the port that they are probed at.
  const isElsewhere = probe?.tcpSocket?.port !== undefined && probe.tcpSocket.port !== port;
  if (probe && (probe.httpGet || probe.grpc || probe.exec || runs !== 'service' || isElsewhere)) {
    return `Container '${name}' did not pass its startup probe within ${seconds} s: ${asked(probe)}.`;
  }
  return (
    `Container '${name}' did not listen on the port given by PORT=${port} within ${seconds} s. ` +
    'It must listen on 0.0.0.0, not on 127.0.0.1.'
  );
}

/** What a probe asks for. */
function asked({ httpGet, tcpSocket, grpc, exec }: Probe): string {
  if (httpGet)
    return `GET ${httpGet.path || '/'} on port ${httpGet.port} must answer with a status from 200 to 399`;
  if (grpc) return `the gRPC health service on port ${grpc.port} must answer SERVING`;
  if (exec) return `the command ${JSON.stringify(exec.command ?? [])} must exit with code 0`;
  return `it must accept connections on port ${tcpSocket?.port}`;
}

/** The last line that a container wrote, as a sentence to append; empty where it wrote none. */
export function lastLogLine(log: string | undefined): string {
  const line = log?.trimEnd().split('\n').at(-1)?.trim();
  return line ? ` Its last log line: ${line}` : '';
}
