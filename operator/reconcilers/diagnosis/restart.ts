import { containerInPod } from '../../apis/serving/container/names.ts';
import { type Evidence, livePods, statusesOf, type Terminated } from './evidence.ts';
import { exitMessage, exitReason } from './exit.ts';
import type { Problem } from './problem.ts';

/** A container of a worker pool's instances that has exited and does not run again yet. */
export function restart(evidence: Evidence): Problem | undefined {
  return evidence.restarts ? lastExit(evidence, true) : undefined;
}

interface Exit {
  container: string;
  terminated: Terminated;
  restarts: number;
}

/** The latest exit of a container; `down` asks for those alone that do not run again yet. */
export function lastExit(evidence: Evidence, down: boolean): Problem | undefined {
  const exits = livePods(evidence)
    .flatMap(statusesOf)
    .flatMap(({ name, state, lastState, restartCount = 0 }): Exit[] => {
      const terminated = state?.terminated ?? lastState?.terminated;
      if (!terminated || (down && state?.running)) return [];
      return [{ container: name, terminated, restarts: restartCount }];
    });
  const [last] = exits.toSorted((a, b) => finished(b) - finished(a));
  if (!last) return undefined;
  const { container, terminated, restarts } = last;
  const declared = containerInPod(evidence.containers, container);
  // Once it has started, it was not its startup probe that ended it.
  const { startupProbe: _, ...ran } = declared ?? { name: container, image: '' };
  const when = ` and is being restarted (restarts so far: ${restarts})`;
  const message = exitMessage(ran, terminated, evidence, when);
  return { reason: exitReason(ran, terminated, evidence), message, final: true };
}

function finished({ terminated }: Exit): number {
  return Date.parse(terminated.finishedAt ?? '') || 0;
}
