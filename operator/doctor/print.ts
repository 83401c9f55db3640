import type { Finding, State } from './finding.ts';

/** From the best to the worst. */
const STATES: readonly State[] = ['ok', 'warning', 'failed'];

/** The worst state among findings. */
export function worstOf(findings: readonly Finding[]): State {
  const worst = Math.max(0, ...findings.map(({ state }) => STATES.indexOf(state)));
  return STATES[worst] as State;
}

/** One line for each finding, and below it what to do. */
export function asText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .map(({ check, state, found, act }) => {
      const line = `${state.padEnd(8)} ${check.padEnd(width)}  ${found}\n`;
      return act ? `${line}${' '.repeat(11 + width)}${act}\n` : line;
    })
    .join('');
}

/** The same for programs: `{"state": "warning", "findings": [{"check", "state", "found", "act"}]}`. */
export function asJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ state: worstOf(findings), findings }, null, 2)}\n`;
}
