import type { StoredObject } from './store.ts';

/** A bucket (Cloud Storage JSON API, Buckets). */
export function bucketView(name: string, projectNumber: string, region: string): object {
  return {
    kind: 'storage#bucket',
    id: name,
    name,
    projectNumber,
    location: region.toUpperCase(),
    locationType: 'region',
    storageClass: 'STANDARD',
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
  };
}

/** An object (Cloud Storage JSON API, Objects); numbers of 64 bits are texts. */
export function objectView({ bucket, name, generation, size, ...object }: StoredObject): object {
  const path = `/b/${bucket}/o/${encodeURIComponent(name)}`;
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `https://www.googleapis.com/storage/v1${path}`,
    mediaLink: `https://storage.googleapis.com/download/storage/v1${path}?generation=${generation}&alt=media`,
    bucket,
    name,
    generation,
    metageneration: '1',
    storageClass: 'STANDARD',
    size: String(size),
    ...object,
    updated: object.timeCreated,
    etag: generation,
  };
}
