/** Words in capitals and what they stand for. */
export type Words = Readonly<Record<string, string>>;

/** A text with the meanings of its words. */
export function filled(text: string, words: Words): string {
  return text.replace(/\b[A-Z]+2?\b/g, (word) => words[word] ?? word);
}
