import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../config.ts';
import type { Logger } from '../telemetry/log.ts';
import { GREETING } from './hello.ts';

/** A new service needs its route, a name in the cluster's DNS, and an instance whose image may have to be pulled. */
const LIMIT_MS = 180_000;
const PAUSE_MS = 1_000;
/** The gateway itself lets a request wait for ten seconds and more. */
const ANSWER_MS = 30_000;
/** Of an answer that is not the service's, for a person to read. */
const MOST_SHOWN = 500;

/** The service could not be reached as a client would reach it. */
export class CheckError extends Error {
  readonly code = 'CHECK_FAILED';
}

/** Durations in milliseconds. */
export interface CheckLimits {
  limitMs: number;
  pauseMs: number;
}

/**
 * Asks a URL until the program of {@link GREETING} answers there; each other answer is logged when it is new.
 * @throws {CheckError} with the last answer when none was the program's within the limit.
 */
export async function checkService(
  url: string,
  log: Pick<Logger, 'info'>,
  { limitMs, pauseMs }: CheckLimits = { limitMs: LIMIT_MS, pauseMs: PAUSE_MS },
): Promise<void> {
  const end = performance.now() + limitMs;
  for (let last = ''; ; ) {
    const answer = await ask(url);
    if (answer !== last) log.info({ url, answer }, 'asked');
    if (answer.startsWith(`200 ${GREETING}`)) return;
    if (performance.now() >= end) {
      const seconds = limitMs / 1_000;
      throw new CheckError(
        `${url} did not answer as the test service does within ${seconds} s; last: ${answer}`,
      );
    }
    last = answer;
    await sleep(pauseMs);
  }
}

/** The status and the beginning of what was answered, or why nothing was. */
async function ask(url: string): Promise<string> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });
    return `${response.status} ${(await response.text()).trim().slice(0, MOST_SHOWN)}`;
  } catch (error) {
    const { cause, message } = error as Error;
    return `no answer: ${cause instanceof Error ? cause.message : message}`;
  }
}

/** `homerun check URL`. @throws {ConfigError} when it is no http URL; {@link checkService} throws as well. */
export async function runCheck(
  [url = '']: readonly string[],
  _env: NodeJS.ProcessEnv,
  log: Logger,
): Promise<void> {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new ConfigError(
      `check: the URL is ${JSON.stringify(url)}; it must be http:// or https:// and a host`,
    );
  await checkService(url, log);
}
