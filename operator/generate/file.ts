/** A file that a generator makes, by its path from the root of the repository. */
export interface GeneratedFile {
  path: string;
  text: string;
}

/** What the first line of each generated file says, as a comment of its format. */
export function generatedFrom(source: string): string {
  return `Generated from ${source} by "npm run generate"; do not edit.`;
}
