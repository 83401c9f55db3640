import type { Found } from './facts.ts';

/** `failed`: something does not work. `warning`: something does not work as it should, or is not known. */
export type State = 'ok' | 'warning' | 'failed';

/** One line of what `homerun doctor` says. */
export interface Finding {
  check: string;
  state: State;
  found: string;
  /** What to do about it; none where nothing is to be done. */
  act?: string;
}

/** What is wrong with what a check looks at. */
export type Problem = Required<Omit<Finding, 'check' | 'state'>> & { state: Exclude<State, 'ok'> };

/** A check's lines: one for each problem, or one that says what is fine. */
export function find(check: string, fine: string, problems: readonly Problem[]): Finding[] {
  if (problems.length === 0) return [{ check, state: 'ok', found: fine }];
  return problems.map((problem) => ({ check, ...problem }));
}

/** The lines for what is known; one warning where it is not. */
export function knownOr<T>(check: string, known: Found<T>, judge: (found: T) => Finding[]): Finding[] {
  if ('found' in known) return judge(known.found);
  const act = 'Ask again with an account that may read it, or from the controller: kubectl exec.';
  return [{ check, state: 'warning', found: `not known: ${known.unknown}`, act }];
}
