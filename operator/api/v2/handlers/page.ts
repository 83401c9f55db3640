import { formatted } from '../../../apis/fieldError.ts';
import type { KubeObject } from '../../../kube/types.ts';
import { invalidFields } from '../../errors.ts';
import { rendered } from '../../renderings.ts';
import type { Page } from '../../resources/resources.ts';
import { type Conversion, toMessage } from '../conversion/kinds.ts';
import type { Fields } from '../conversion/value.ts';

/** Items of a page for which no size is asked, and the most there are. */
const USUAL = 100;
const MOST = 1000;

/**
 * The part of a list that a request asks for (AIP-158).
 * @throws {ApiError} INVALID_ARGUMENT for a negative size.
 */
export function pageOf({ pageSize = 0, pageToken }: Fields, labelSelector?: string): Page {
  const size = Number(pageSize);
  if (size < 0) {
    const description = `is ${formatted(size)}; it must be a whole number from 0`;
    throw invalidFields([{ field: 'pageSize', description }]);
  }
  return {
    limit: Math.min(size || USUAL, MOST),
    ...(pageToken ? { continue: String(pageToken) } : {}),
    ...(labelSelector ? { labelSelector } : {}),
  };
}

/** An answer with the items and, where there are more, the token of the next page. */
export function listed(field: string, items: Fields[], next: string | undefined): Fields {
  return { ...(items.length > 0 ? { [field]: items } : {}), ...(next ? { nextPageToken: next } : {}) };
}

/** The messages of what a list has found. @param place `projects/PROJECT/locations/LOCATION`. */
export function messagesOf(conversion: Conversion, found: readonly KubeObject[], place: string): Fields[] {
  const view = `${conversion.message.typeName} ${place}`;
  return found.map((object) => rendered(object, view, () => toMessage(conversion, object, place)));
}
