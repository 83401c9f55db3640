/** A file that a generator makes, by its path from the root of the repository. */
export interface GeneratedFile {
  path: string;
  text: string;
}
