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
