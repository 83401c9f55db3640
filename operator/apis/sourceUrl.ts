/** An archive, as annotation run.googleapis.com/sources names it. */
export interface SourceObject {
  bucket: string;
  name: string;
  /** The newest one where it is left out. */
  generation?: string;
}

/** Reads `gs://BUCKET/OBJECT#GENERATION`; undefined for anything else. Pure. */
export function parseSource(url: string): SourceObject | undefined {
  const [, bucket, name, generation] =
    /^gs:\/\/([^/]{3,222})\/([^#]{1,1024})(?:#(\d{1,19}))?$/.exec(url) ?? [];
  if (!bucket || !name) return undefined;
  return { bucket, name, ...(generation ? { generation } : {}) };
}

/** Writes `gs://BUCKET/OBJECT#GENERATION`. Pure. */
export function sourceUrl({ bucket, name, generation }: SourceObject): string {
  return `gs://${bucket}/${name}${generation === undefined ? '' : `#${generation}`}`;
}
