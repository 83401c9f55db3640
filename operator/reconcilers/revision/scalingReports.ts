/** Shortest time between two texts of one revision. */
const EVERY_MS = 10_000;
/** Most texts that change at a time, once a second: so few writes is all that a thousand busy revisions cause. */
const MOST_AT_ONCE = 10;

/**
 * What the autoscaler says of the numbers of instances, on its way into the status of the revisions, which their reconciler
 * alone writes. Loads change all the time; so a text is replaced at most every ten seconds, and those of many revisions
 * take turns. A text that stays the same causes nothing.
 */
export class ScalingReports {
  /** Revision (`namespace/name`) -> its text in the status, and since when. */
  readonly #shown = new Map<string, { text: string; at: number }>();
  /** Revision -> its newest text, where that differs; the one that has waited longest first. */
  readonly #waiting = new Map<string, string>();
  #changed: (revision: string) => void = () => {};

  /** @param changed called with each revision that has another text. */
  onChange(changed: (revision: string) => void): void {
    this.#changed = changed;
  }

  /** The text for the status of a revision; undefined when the autoscaler has said nothing yet. */
  of(revision: string): string | undefined {
    return this.#shown.get(revision)?.text;
  }

  /** The autoscaler's newest text. */
  report(revision: string, text: string): void {
    if (this.#shown.get(revision)?.text === text) this.#waiting.delete(revision);
    else this.#waiting.set(revision, text);
  }

  /** Shows the texts whose turn it is; called once a second. */
  show(now: number): void {
    let left = MOST_AT_ONCE;
    for (const [revision, text] of this.#waiting) {
      if (now - (this.#shown.get(revision)?.at ?? Number.NEGATIVE_INFINITY) < EVERY_MS) continue;
      this.#waiting.delete(revision);
      this.#shown.set(revision, { text, at: now });
      this.#changed(revision);
      if (--left === 0) return;
    }
  }

  /** The revision has no instances, or is gone. */
  forget(revision: string): void {
    this.#shown.delete(revision);
    this.#waiting.delete(revision);
  }
}
