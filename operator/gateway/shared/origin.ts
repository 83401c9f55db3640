/** The origin of a program in the cluster, which speaks plain HTTP: an IPv6 address stands in brackets (RFC 3986, 3.2.2). */
export function httpOrigin(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
