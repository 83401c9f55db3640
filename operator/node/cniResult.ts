import { isIP } from 'node:net';
import { isPodAddress, isPodUid } from '../gateway/shared/addressProtocol.ts';

/** The addresses of a pod as its network plugin has assigned them. */
export interface CniResult {
  uid: string;
  namespace: string;
  /** In the plugin's order, without prefix lengths. */
  ips: string[];
}

/** The interface whose addresses are the pod's: containerd and CRI-O give it this name. */
export const POD_INTERFACE = 'eth0';

/**
 * Reads an entry of the cache that container runtimes keep of plugins' results (libcni, `cniCacheV1`), whose arguments
 * name the pod. The results may be of any version of the specification (CNI specification, ADD Success), also of those
 * before 0.3 with their `ip4` and `ip6`.
 * @returns undefined for what is no result of a pod's own interface, or not complete yet.
 */
export function parseCniResult(text: string): CniResult | undefined {
  const entry = parseObject(text);
  if (entry?.kind !== 'cniCacheV1' || entry.ifName !== POD_INTERFACE) return undefined;
  const names = argumentsOf(entry.cniArgs);
  const uid = names.get('K8S_POD_UID');
  if (!uid || !isPodUid(uid) || !isObject(entry.result)) return undefined;
  const ips = addressesOf(entry.result);
  return ips.length > 0 ? { uid, namespace: names.get('K8S_POD_NAMESPACE') ?? '', ips } : undefined;
}

/** The address of the family that the cluster prefers; the API shows it as the pod's first. */
export function addressOfFamily({ ips }: CniResult, family: 4 | 6): string | undefined {
  return ips.find((ip) => isIP(ip) === family);
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // It is being written.
    return undefined;
  }
}

/** Pairs of a name and a value; of several with one name the last counts. */
function argumentsOf(pairs: unknown): Map<string, string> {
  const found = new Map<string, string>();
  for (const pair of Array.isArray(pairs) ? pairs : []) {
    const [name, value] = Array.isArray(pair) ? pair : [];
    if (typeof name === 'string' && typeof value === 'string') found.set(name, value);
  }
  return found;
}

function addressesOf(result: Json): string[] {
  const given = Array.isArray(result.ips)
    ? result.ips.filter((ip) => isOfPod(ip, result.interfaces)).map(({ address }) => address)
    : [result.ip4, result.ip6].map((ip) => (isObject(ip) ? ip.ip : undefined));
  return given.map(withoutPrefix).filter((ip) => ip !== undefined);
}

/** Whether an address is of the pod's interface: it may name one by its place in the list of interfaces. */
function isOfPod(ip: unknown, interfaces: unknown): ip is Json {
  if (!isObject(ip)) return false;
  if (typeof ip.interface !== 'number' || ip.interface < 0) return true;
  const named: unknown = Array.isArray(interfaces) ? interfaces[ip.interface] : undefined;
  return isObject(named) && named.name === POD_INTERFACE;
}

function withoutPrefix(address: unknown): string | undefined {
  if (typeof address !== 'string') return undefined;
  const [ip = ''] = address.split('/', 1);
  return isPodAddress(ip) ? ip : undefined;
}
