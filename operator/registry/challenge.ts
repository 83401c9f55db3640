/** One way in which a server asks for authentication (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  scheme: string;
  params: Record<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAM = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;
const SEPARATOR = /[\s,]*/y;

/** The challenges of a WWW-Authenticate header, in order; what does not parse ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATOR);
    const current = challenges.at(-1);
    const param = current && take(PARAM);
    if (current && param?.[1]) {
      const value = param[2]?.replaceAll(/\\(.)/g, '$1') ?? param[3] ?? '';
      current.params[param[1].toLowerCase()] = value;
      continue;
    }
    const scheme = take(TOKEN);
    if (!scheme) return challenges;
    challenges.push({ scheme: scheme[0].toLowerCase(), params: {} });
  }
}
