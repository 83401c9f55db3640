import { baseImageOf, isFullImage } from '../../apis/serving/instance/source.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { keyOf } from '../../kube/types.ts';
import { ImageInvalidError } from '../../registry/errors.ts';
import type { DigestResolver, DigestState } from '../../registry/resolver.ts';
import type { Context } from '../context.ts';
import { digestRequest } from '../digests.ts';
import { followedOf, isCheckDue } from './baseImage.ts';

/**
 * What the registry says of the base image that a revision follows, once it is time to ask; undefined before, and for those
 * that follow none. The answer is forgotten when the status has it.
 */
export function baseImageNow(
  revision: Revision,
  wanted: boolean,
  resolver: DigestResolver,
  { config, now }: Pick<Context, 'config' | 'now'>,
): DigestState | undefined {
  const { namespace = '', name } = revision.metadata;
  const followed = followedOf(revision);
  if (!followed || !isCheckDue(revision, wanted, config, now())) {
    resolver.forget(keyOf(revision.metadata));
    return undefined;
  }
  const { baseImages } = config.instance;
  const image = baseImageOf(followed.baseImage, baseImages);
  // A name that the cluster's owner has taken away would be somebody's image on Docker Hub.
  if (!isFullImage(image) && !Object.hasOwn(baseImages, followed.baseImage)) {
    const message = `'${followed.baseImage}' is no name of chart value instance.baseImages any more.`;
    return { state: 'failed', error: new ImageInvalidError(message) };
  }
  return resolver.lookup(digestRequest({ namespace, name, spec: revision.spec }, image, config));
}
