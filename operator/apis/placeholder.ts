const PLACEHOLDERS = [/\$\{[^}]*\}/, /\$\([^)]*\)/, /\{\{[^}]*\}\}/, /%[A-Z0-9_]+%/, /<[^>]+>/, /\$[A-Z_]+/];
const CAPITALS = /(?<![\w-])[A-Z][A-Z0-9]*([_-][A-Z0-9]+)*(?![\w-])/;

/** What a script was to fill in and did not: `${NAME}`, `%NAME%`, `<name>` and the like; undefined where there is none. */
export function placeholderIn(text: string): string | undefined {
  for (const pattern of PLACEHOLDERS) {
    const [found] = pattern.exec(text) ?? [];
    if (found) return found;
  }
  return undefined;
}

/** The same, or a word in capitals such as PROJECT_ID, for where only lower case may be. */
export function capitalsIn(text: string): string | undefined {
  return placeholderIn(text) ?? CAPITALS.exec(text)?.[0];
}
