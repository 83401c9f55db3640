import { seconds, violations } from './judge.ts';
import type { RoundRecord } from './record.ts';
import type { Totals } from './run.ts';

/** A round for the terminal: what was done, how long it took to be right again, and what was wrong. Pure. */
export function roundLine(
  { number, fault, target, overAt, backAt, settledAt }: RoundRecord,
  wrong: string[],
): string {
  const back = backAt === undefined ? 'not back' : `back after ${seconds(backAt - overAt)}`;
  const right = settledAt === undefined ? 'not right' : `all right after ${seconds(settledAt - overAt)}`;
  return [
    `${number}. ${fault} (${target}): ${back}, ${right}`,
    ...wrong.map((what) => `   WRONG ${what}`),
  ].join('\n');
}

/** The report of a run, in Markdown. Pure. */
export function report(
  seed: number,
  records: readonly RoundRecord[],
  totals: Totals,
): { text: string; failed: boolean } {
  const wrong = records.flatMap((round) =>
    violations(round).map((what) => `round ${round.number}, ${round.fault}: ${what}`),
  );
  const { requests, refused, executions, minutes } = totals;
  const inside = records.flatMap(({ lost }) => lost).length;
  const lines = [
    `# Chaos, seed ${seed}`,
    '',
    `${records.length} rounds in ${Math.round(minutes)} minutes: ${requests} requests, of which ${inside} did not end with 200, ` +
      `${refused} connections were refused and made again, ${executions} executions of 4 tasks.`,
    '',
    wrong.length === 0 ? 'Nothing was wrong.' : `${wrong.length} things were wrong:`,
    ...wrong.map((what) => `- ${what}`),
    '',
    ...repetitions(records),
    '| fault | times | back: median | longest | right again after that: median | longest |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...[...new Set(records.map(({ fault }) => fault))].sort().map((fault) => rowOf(fault, records)),
    '',
    ...leaders(records),
  ];
  return { text: `${lines.join('\n')}\n`, failed: wrong.length > 0 };
}

/** What Kubernetes' own Job controller has done twice, which nothing of Homerun's has a part in. */
function repetitions(records: readonly RoundRecord[]): string[] {
  const repeated = records.flatMap(({ number, tasks }) =>
    tasks.repeated.map((what) => `- round ${number}: ${what}`),
  );
  if (repeated.length === 0) return [];
  const why = 'Kubernetes, Jobs: "the same program may sometimes be started twice"';
  return [`Kubernetes' Job controller ran ${repeated.length} tasks again (${why}):`, ...repeated, ''];
}

function rowOf(fault: string, records: readonly RoundRecord[]): string {
  const rounds = records.filter((round) => round.fault === fault);
  const back = rounds.map(({ backAt = Number.NaN, overAt }) => backAt - overAt);
  const right = rounds.map(({ backAt = Number.NaN, settledAt = Number.NaN }) => settledAt - backAt);
  const cells = [median(back), Math.max(...back), median(right), Math.max(...right)].map(seconds);
  return `| ${[fault, rounds.length, ...cells].join(' | ')} |`;
}

function leaders(records: readonly RoundRecord[]): string[] {
  const gaps = records.flatMap(({ leaderlessMs }) => leaderlessMs ?? []);
  if (gaps.length === 0) return [];
  return [
    `The leader was killed ${gaps.length} times; the lease was renewed by the next one after ${seconds(median(gaps))} in the median, ${seconds(Math.max(...gaps))} at the most.`,
  ];
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
