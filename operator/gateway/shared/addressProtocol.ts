import { BlockList, isIP } from 'node:net';

/**
 * The body of `POST /addresses`, which the node role sends to every gateway: by UID of a pod on its node the address that
 * the pod has got from the network plugin, or nothing when the pod has lost it.
 */
export type PodAddresses = Readonly<Record<string, string>>;

/** Most pods that one message names. A node has 110 by default (Kubernetes, Considerations for large clusters). */
export const MAX_ADDRESSES = 500;
/** A message with that many takes 50 kB. */
export const MAX_ADDRESSES_BYTES = 128 * 1024;

/** As the API server makes them, and as the kubelet does for its own static pods. */
const UID = /^[a-zA-Z0-9-]{1,64}$/;

export class PodAddressesError extends Error {
  readonly code = 'POD_ADDRESSES_INVALID';
}

/**
 * Checks a body of `POST /addresses`.
 * @throws {PodAddressesError} naming what is invalid.
 */
export function checkAddresses(body: unknown): PodAddresses {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new PodAddressesError('the body is not an object');
  }
  const entries = Object.entries(body);
  if (entries.length > MAX_ADDRESSES) {
    throw new PodAddressesError(`${entries.length} pods are named, ${MAX_ADDRESSES} may be`);
  }
  for (const [uid, ip] of entries) {
    if (!isPodUid(uid)) throw new PodAddressesError(`${JSON.stringify(uid.slice(0, 80))} is no UID`);
    if (ip !== '' && !isPodAddress(ip)) {
      throw new PodAddressesError(`${uid} has ${JSON.stringify(ip)?.slice(0, 80)}, which no pod can have`);
    }
  }
  return body as PodAddresses;
}

export function isPodUid(uid: string): boolean {
  return UID.test(uid);
}

/** Addresses that lead to the sender itself, to its link or to many: no pod has one. */
const SPECIAL_4 = listOf('ipv4', { '0.0.0.0': 8, '127.0.0.0': 8, '169.254.0.0': 16, '224.0.0.0': 3 });
/** In a list of its own: a list that holds the IPv4-mapped ones finds every IPv4 address in them. */
const SPECIAL_6 = listOf('ipv6', { '::': 127, '::ffff:0:0': 96, 'fe80::': 10, 'ff00::': 8 });

/** Whether a pod can have an address: one of a single interface, IPv4 or IPv6 without a zone. */
export function isPodAddress(ip: unknown): ip is string {
  if (typeof ip !== 'string' || ip.includes('%')) return false;
  const family = isIP(ip);
  return family === 4 ? !SPECIAL_4.check(ip, 'ipv4') : family === 6 && !SPECIAL_6.check(ip, 'ipv6');
}

function listOf(family: 'ipv4' | 'ipv6', subnets: Record<string, number>): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of Object.entries(subnets)) list.addSubnet(network, prefix, family);
  return list;
}
