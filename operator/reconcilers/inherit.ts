/** Keys that belong to the object they stand on: what a tool wrote there for itself, and our own output. */
const OWN = [
  /^kubectl\.kubernetes\.io\//,
  /^argocd\.argoproj\.io\//,
  /^meta\.helm\.sh\//,
  /^homerun\.dev\//,
  /^run\.googleapis\.com\/(urls|operation-id|ingress-status)$/,
];

/** The labels or annotations of a parent that its children carry too (Knative API, Service: metadata). */
export function inherited(map: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !OWN.some((own) => own.test(key))));
}

/** Keys that steer Homerun or a client; changing one on a revision must not restart its instances. */
const STEERING =
  /^(serving\.knative\.dev|autoscaling\.knative\.dev|client\.knative\.dev|run\.googleapis\.com|homerun\.dev|kubectl\.kubernetes\.io)\//;

/** A person's own annotations, which reach the pods: log shippers and meshes read them there. */
export function steersNothing(annotations: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !STEERING.test(key)));
}
