import { compareTexts } from '../../../kube/json.ts';

/** A revision's percentage of its route's requests, or of its worker pool's instances. */
export interface Share {
  readonly revision: string;
  readonly percent: number;
}

/**
 * A revision's part of the number of instances that its Service sets for all revisions, in proportion to their traffic.
 * By largest remainders, so that the parts add up to the total; ties are broken by name. A revision with traffic gets at
 * least one instance if there is any: without one its requests would fail.
 */
export function shareOf(total: number, split: readonly Share[], revision: string): number {
  const part = largestRemainders(total, split).get(revision);
  return part === undefined || total <= 0 ? 0 : Math.max(1, part.whole);
}

/**
 * The parts of a number of instances of all revisions with a share, by largest remainder: they always add up to the
 * total. If there are at least as many instances as revisions, each gets at least one, taken from the revision that
 * exceeds its exact part most.
 */
export function partsOf(total: number, split: readonly Share[]): Map<string, number> {
  const parts = largestRemainders(total, split);
  const result = new Map([...parts].map(([revision, { whole }]) => [revision, whole]));
  if (total < result.size) return result;
  const beyond = ([revision, part]: [string, number]) => part - (parts.get(revision)?.exact ?? 0);
  for (const [revision, part] of result) {
    if (part > 0) continue;
    const donors = [...result].filter(([, other]) => other > 1);
    const [donor] = donors.toSorted(
      (a, b) => beyond(b) - beyond(a) || b[1] - a[1] || compareTexts(a[0], b[0]),
    );
    if (!donor) break;
    result.set(donor[0], donor[1] - 1);
    result.set(revision, 1);
  }
  return result;
}

interface Part {
  /** The exact part, with fractions. */
  exact: number;
  whole: number;
}

/** The parts of all revisions with a share, rounded down; the rest goes to those with the largest remainders. */
function largestRemainders(total: number, split: readonly Share[]): Map<string, Part> {
  const percents = new Map<string, number>();
  for (const { revision, percent } of split) {
    if (percent > 0) percents.set(revision, (percents.get(revision) ?? 0) + percent);
  }
  const sum = [...percents.values()].reduce((all, percent) => all + percent, 0);
  const parts = [...percents].map(([revision, percent]) => {
    const exact = (Math.max(0, total) * percent) / sum;
    return { revision, exact, whole: Math.floor(exact) };
  });
  const left = Math.max(0, total) - parts.reduce((all, { whole }) => all + whole, 0);
  const byRemainder = parts.toSorted(
    (a, b) => b.exact - b.whole - (a.exact - a.whole) || compareTexts(a.revision, b.revision),
  );
  for (const part of byRemainder.slice(0, left)) part.whole += 1;
  return new Map(parts.map(({ revision, exact, whole }) => [revision, { exact, whole }]));
}
