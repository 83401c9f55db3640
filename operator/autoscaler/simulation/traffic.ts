import type { Random } from '../../testing/random.ts';

/** Requests over one day to one revision, and what its instances are like. */
export interface Traffic {
  readonly name: string;
  /** Half a sentence for people. */
  readonly what: string;
  /** Requests that an instance takes at once (containerConcurrency). */
  readonly concurrency: number;
  /** From the order for an instance until it is ready. */
  readonly startMs: number;
  /** Mean requests per second, for each second of the day. */
  rates(random: Random): Float64Array;
  /** How long a request takes, in milliseconds. */
  durationMs(random: Random): number;
}

export const DAY_SECONDS = 86_400;
const MINUTE = 60;
const HOUR = 3600;

/** Durations spread exponentially around their mean: a program that does about the same for each request. */
const exponential =
  (meanMs: number) =>
  (random: Random): number =>
    -Math.log(1 - random.next()) * meanMs;

const logNormal = (medianMs: number, sigma: number, random: Random): number =>
  medianMs * Math.exp(sigma * normal(random));

/** A traffic whose rate depends on the second alone; what is left out is as in most services. */
function shape(
  name: string,
  what: string,
  rate: (second: number) => number,
  own: Partial<Traffic> = {},
): Traffic {
  return {
    name,
    what,
    concurrency: 10,
    startMs: 4000,
    rates: () => Float64Array.from({ length: DAY_SECONDS }, (_, second) => rate(second)),
    durationMs: exponential(500),
    ...own,
  };
}

const pulse = (second: number, everySeconds: number, lengthSeconds: number) =>
  second % everySeconds < lengthSeconds;

/** The traffic that `make simulate` knows by name. All of it is the same in each run: the seed is fixed. */
export const TRAFFIC: readonly Traffic[] = [
  shape('constant', '20 requests a second', () => 20),
  shape(
    'ramp',
    'each four hours up to 40 a second within two, and back to none in one',
    (second) => {
      const at = second % (4 * HOUR);
      return at < 2 * HOUR ? (40 * at) / (2 * HOUR) : 40 * Math.max(0, 1 - (at - 2 * HOUR) / HOUR);
    },
    { durationMs: exponential(2000) },
  ),
  shape('spike', '2 a second, and for one minute in three hours 200', (second) =>
    pulse(second + HOUR / 2, 3 * HOUR, MINUTE) ? 200 : 2,
  ),
  shape(
    'sawtooth',
    'up to 60 a second within ten minutes, then none, over and over',
    (second) => (60 * (second % (10 * MINUTE))) / (10 * MINUTE),
  ),
  shape(
    'diurnal',
    'between 1 a second at night and 40 at noon',
    (second) => 20.5 - 19.5 * Math.cos((2 * Math.PI * second) / DAY_SECONDS),
    { durationMs: exponential(2000) },
  ),
  shape('bursts', 'bursts of 40 a second for half a minute, at random, one in ten minutes', () => 0, {
    rates: bursts,
  }),
  shape(
    'slow-start',
    '5 a second, and 80 for one of four hours; an instance takes 30 s to start',
    (second) => (pulse(second + HOUR, 4 * HOUR, HOUR) ? 80 : 5),
    { startMs: 30_000 },
  ),
  shape('on-off', 'one request in five seconds for some minutes, then none for up to forty', () => 0, {
    rates: onOff,
  }),
  shape('one-at-a-time', '2 a second for a program that takes one request at once', () => 2, {
    concurrency: 1,
  }),
  shape('azure', 'minutes, gaps and durations spread as in the Azure Functions trace of 2019', () => 0, {
    rates: azure,
    durationMs: (random) => Math.min(60_000, logNormal(684, 1, random)),
  }),
];

function bursts(random: Random): Float64Array {
  const rates = new Float64Array(DAY_SECONDS).fill(0.2);
  for (let at = 0; at < DAY_SECONDS; at += Math.ceil(exponential(10 * MINUTE)(random))) {
    rates.fill(40, at, at + 30);
  }
  return rates;
}

function onOff(random: Random): Float64Array {
  const rates = new Float64Array(DAY_SECONDS);
  for (let at = 0; at < DAY_SECONDS; at += random.between(1, 40) * MINUTE) {
    const end = at + random.between(1, 10) * MINUTE;
    rates.fill(0.2, at, end);
    at = end;
  }
  return rates;
}

/**
 * Shahrad et al., Serverless in the Wild (USENIX ATC 2020): most applications are called in bursts with long gaps between
 * them (the gaps vary more than those of a Poisson process), less at night, and durations are log-normal.
 */
function azure(random: Random): Float64Array {
  const rates = new Float64Array(DAY_SECONDS);
  let isOn = true;
  for (let minute = 0; minute < DAY_SECONDS / MINUTE; minute++) {
    if (random.chance(isOn ? 0.05 : 0.04)) isOn = !isOn;
    if (!isOn) continue;
    const day = 1 - 0.5 * Math.cos((2 * Math.PI * minute * MINUTE) / DAY_SECONDS);
    const perMinute = day * Math.min(3000, logNormal(120, 1.5, random));
    rates.fill(perMinute / MINUTE, minute * MINUTE, (minute + 1) * MINUTE);
  }
  return rates;
}

/**
 * Recorded traffic: numbers of requests, one for each minute, separated by commas or white space, as in a row of the
 * Azure Functions trace.
 *
 * @throws {TrafficError} naming what is not such a number.
 */
export function recorded(name: string, text: string): Traffic {
  const cells = text.split(/[\s,]+/).filter((cell) => cell !== '');
  const minutes = cells.map((cell) => {
    const count = Number(cell);
    if (!(count >= 0 && count <= 60_000)) {
      throw new TrafficError(`${name}: "${cell}" is not a number of requests in a minute from 0 to 60000`);
    }
    return count;
  });
  if (minutes.length === 0) throw new TrafficError(`${name}: no number of requests`);
  const rate = (second: number) => (minutes[Math.floor(second / MINUTE) % minutes.length] ?? 0) / MINUTE;
  return shape(name, `requests of each minute from ${name}`, rate);
}

export class TrafficError extends Error {
  readonly code = 'TRAFFIC_INVALID';
}

/** Requests that arrive within a time in which `mean` are expected. */
export function poisson(mean: number, random: Random): number {
  if (mean <= 0) return 0;
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const limit = Math.exp(-mean);
  let product = random.next();
  let count = 0;
  for (; product > limit; count++) product *= random.next();
  return count;
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
