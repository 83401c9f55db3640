const PLACEHOLDERS = [/\$\{[^}]*\}/, /\$\([^)]*\)/, /\{\{[^}]*\}\}/, /%[A-Z0-9_]+%/, /<[^>]+>/, /\$[A-Z_]+/];
const CAPITALS = /(?<![\w-])[A-Z][A-Z0-9]*([_-][A-Z0-9]+)*(?![\w-])/;

/** A placeholder that was not replaced, such as `${NAME}`, `%NAME%` or `<name>`; undefined when there is none. */
export function placeholderIn(text: string): string | undefined {
  for (const pattern of PLACEHOLDERS) {
    const [found] = pattern.exec(text) ?? [];
    if (found) return found;
  }
  return undefined;
}

/** The same, or a word in capitals such as PROJECT_ID, where only lower case is allowed. */
export function capitalsIn(text: string): string | undefined {
  return placeholderIn(text) ?? CAPITALS.exec(text)?.[0];
}
