import { ANNOTATIONS, notInheritedBy } from '../apis/annotations/table.ts';

/** Domains whose keys belong to the object that carries them, unless the table has them: tools wrote them for themselves. */
const OWN_DOMAINS = /^(kubectl\.kubernetes\.io|argocd\.argoproj\.io|meta\.helm\.sh|homerun\.dev)\//;

const OWN = notInheritedBy('child');

/** The labels or annotations of a parent that its children carry too (Knative API, Service: metadata). */
export function inherited(map: Record<string, string> | undefined): Record<string, string> {
  const isOwn = (key: string) => OWN.has(key) || (OWN_DOMAINS.test(key) && !ANNOTATIONS.has(key));
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !isOwn(key)));
}

/** Keys that steer Homerun or a client; changing one on a revision must not restart its instances. */
const STEERING =
  /^(serving\.knative\.dev|autoscaling\.knative\.dev|client\.knative\.dev|run\.googleapis\.com|homerun\.dev|kubectl\.kubernetes\.io)\//;

/** A person's own annotations, which reach the pods: log shippers and meshes read them there. */
export function steersNothing(annotations: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !STEERING.test(key)));
}
