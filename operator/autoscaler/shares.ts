/** A revision's percentage of its route's requests. */
export interface Share {
  readonly revision: string;
  readonly percent: number;
}

/**
 * One revision's part of a number of instances that its Service sets for all its revisions, in proportion to
 * their traffic. Largest remainders, so that the parts sum up to the whole; equal ones go by name. A revision
 * that has traffic gets one instance at least when there is any: a part of zero would cut off its requests.
 */
export function shareOf(total: number, split: readonly Share[], revision: string): number {
  const serving = split.filter((share) => share.percent > 0);
  const own = serving.find((share) => share.revision === revision);
  if (!own || total <= 0) return 0;
  const whole = serving.reduce((sum, share) => sum + share.percent, 0);
  const exact = (share: Share) => (total * share.percent) / whole;
  const left = total - serving.reduce((sum, share) => sum + Math.floor(exact(share)), 0);
  const remainder = (share: Share) => exact(share) - Math.floor(exact(share));
  const rank = serving.filter((other) => comesBefore(other, own, remainder)).length;
  return Math.max(1, Math.floor(exact(own)) + (rank < left ? 1 : 0));
}

function comesBefore(other: Share, own: Share, remainder: (share: Share) => number): boolean {
  const difference = remainder(other) - remainder(own);
  return difference > 0 || (difference === 0 && other.revision < own.revision);
}
