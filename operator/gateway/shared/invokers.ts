/** Who may call a service that is not open to everyone. */
export interface InvokersEntry {
  /** Audiences that tokens may have: the service's URLs and those that it declares. */
  audiences: readonly string[];
  /** Its members as principals (apis/iam/membership.ts). */
  principals: readonly string[];
}
