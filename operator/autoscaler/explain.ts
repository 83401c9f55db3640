import type { ScalingSpec } from '../apis/serving/revision/scaling.ts';
import { type Decision, holdMs, isIncomplete, type Load, type Reason } from './decide.ts';

/** What a revision's number of instances goes by: of all that ask for instances, what asks for the most. */
export type Rule = Exclude<Reason, 'steady' | 'spare'> | 'kept';

/** Takes the reasons of the numbers of instances, by the revision's `namespace/name`. */
export interface Reports {
  report(revision: string, text: string): void;
  forget(revision: string): void;
  /** Called at the end of each round, with the time in ms. */
  show(now: number): void;
}

/** The number of instances that a decision leads to. */
function outcome({ replicas, load }: Decision): number {
  return replicas ?? load.replicas;
}

/** What the number goes by that a decision leads to, whether or not it changes the number. */
export function ruleOf(decision: Decision, spec: ScalingSpec): Rule {
  const { load, asked } = decision;
  const count = outcome(decision);
  if (spec.manual !== undefined) return 'manual';
  if (spec.failed && load.ready === 0) return 'failed';
  if (count === 0) return 'idle';
  if (decision.reason === 'max' || (count === spec.max && asked.unlimited > count)) return 'max';
  if (asked.count < count) return isIncomplete(load, spec) ? 'incomplete' : 'kept';
  return asked.rule as Rule;
}

/**
 * A decision in one line for people: the number of instances, the rule that it goes by, and the numbers behind it. Mean
 * values are rounded, so that small differences give the same text.
 */
export function explain(decision: Decision, spec: ScalingSpec): string {
  const count = outcome(decision);
  const rule = ruleOf(decision, spec);
  const numbers = [requestsText(decision.load, spec, rule), ...cpuText(decision.load, spec)];
  if (rule !== 'manual') numbers.push(`min ${spec.min}, max ${spec.max}`);
  return `${count} ${count === 1 ? 'instance' : 'instances'} by ${ruleText(rule, decision, spec)}: ${numbers.join(', ')}`;
}

function ruleText(rule: Rule, { asked }: Decision, spec: ScalingSpec): string {
  if (rule === 'max' && asked.unlimited > spec.max) return `maximum (${asked.unlimited} asked for)`;
  if (rule === 'kept') return `need within ${timeText(holdMs(spec))}`;
  return RULE_TEXTS[rule];
}

const RULE_TEXTS: Readonly<Record<Exclude<Rule, 'kept'>, string>> = {
  manual: 'manual number',
  failed: 'failed start',
  idle: 'idle time',
  incomplete: 'missing measurements',
  starting: 'initial scale',
  activation: 'activation scale',
  min: 'minimum',
  max: 'maximum',
  burst: 'burst',
  concurrency: 'concurrency',
  cpu: 'CPU',
};

/** A burst goes by the requests of this moment, all else by their mean over the window. */
function requestsText(load: Load, spec: ScalingSpec, rule: Rule): string {
  if (rule === 'burst') {
    return `${requests(load.present)} in flight and queued / ${rounded(spec.concurrency)} at most each`;
  }
  const mean = meanRequests(load);
  if (mean === undefined) return 'requests unknown';
  const inFlight = `${requests(mean)} in flight`;
  if (spec.targetConcurrency === Number.POSITIVE_INFINITY) return inFlight;
  return `${inFlight} / ${rounded(spec.targetConcurrency)} wanted each`;
}

/** No text on a cluster that does not measure CPU use, and while no instance runs. */
function cpuText(load: Load, spec: ScalingSpec): string[] {
  if (!load.cpu || load.ready === 0) return [];
  const use = cpuUse(load, spec);
  return [use === undefined ? 'CPU unknown' : `CPU ${Math.round(use * 100)} %`];
}

/** Requests in flight and queued, as a mean over the window; undefined when it is not known. */
export function meanRequests({ concurrency, assumed }: Load): number | undefined {
  return assumed ? undefined : concurrency;
}

/** The part of their CPU that ready instances use, as a mean over the window; undefined when it is not known. */
export function cpuUse({ cpu, ready, assumed }: Load, spec: ScalingSpec): number | undefined {
  return cpu?.cores === undefined || ready === 0 || assumed ? undefined : cpu.cores / (ready * spec.cpu);
}

function requests(count: number): string {
  const text = rounded(count);
  return `${text} ${text === '1' ? 'request' : 'requests'}`;
}

/** Whole from ten on, and to one decimal below. */
function rounded(value: number): string {
  return String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
}

function timeText(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${Math.round(ms / 1000)} s`;
}
