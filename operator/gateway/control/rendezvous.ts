/**
 * Which of the members owns a key: the one with the highest hash of both (rendezvous hashing; Thaler and Ravishankar,
 * 1998). When a member joins or leaves, only the keys that it gets or had change their owner.
 * @returns undefined when there is no member.
 */
export function ownerAmong(members: readonly string[], key: string): string | undefined {
  let owner: string | undefined;
  let highest = -1;
  for (const member of members) {
    const score = hash(member, key);
    if (score < highest || (score === highest && owner !== undefined && member < owner)) continue;
    owner = member;
    highest = score;
  }
  return owner;
}

/** FNV-1a of both texts, mixed so that similar texts differ in every bit (MurmurHash3's finalizer). */
function hash(member: string, key: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < member.length; i++) value = Math.imul(value ^ member.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ 0x2f, 0x01000193);
  for (let i = 0; i < key.length; i++) value = Math.imul(value ^ key.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
