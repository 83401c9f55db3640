/** The part of the configuration that determines host names. */
export interface UrlConfig {
  /** Such as `run.example.com`. */
  domain: string;
  /** Such as `{tag---}{service}.{namespace}.{domain}`; the text after `tag` in the braces is left out without a tag. */
  urlTemplate: string;
  urlScheme: 'http' | 'https';
  /** Such as `cluster.local`. */
  clusterDomain: string;
}

/** The part of it that determines host names alone. */
export type HostConfig = Omit<UrlConfig, 'urlScheme'>;

/** Name and namespace of a route (a service's route has the service's name). */
export interface RouteRef {
  name: string;
  namespace?: string;
}

/** All host names of a route, or of one of its tags. */
export interface Hosts {
  external: string;
  /** Inside the cluster, from the shortest to the longest. */
  internal: string[];
}

/** Host name of a route, or of one of its tags, for clients outside the cluster. */
export function externalHost(
  config: HostConfig,
  { name, namespace = 'default' }: RouteRef,
  tag?: string,
): string {
  const host = config.urlTemplate.replaceAll(
    /\{(tag|service|namespace|domain)([^}]*)\}/g,
    (_, field: string, rest: string) => {
      if (field === 'tag') return tag ? tag + rest : '';
      return { service: name, namespace, domain: config.domain }[field] + rest;
    },
  );
  return host.toLowerCase();
}

/** Stands for the name of a service, a namespace or a tag, which none has. */
const ANY = 'any---name---';
const LABEL = '[a-z0-9-]+';

/** Whether a service of the namespace, or of any if there is none, could have the host name for clients outside the cluster. */
export function isExternalHost(config: HostConfig, host: string, namespace = ANY): boolean {
  return [undefined, ANY].some((tag) => {
    const parts = externalHost(config, { name: ANY, namespace }, tag).split(ANY);
    return new RegExp(`^${parts.map((part) => part.replaceAll('.', '\\.')).join(LABEL)}$`).test(host);
  });
}

/** URL of a route, or of one of its tags: what `status.url` and `status.traffic[].url` show. */
export function urlOf(config: UrlConfig, route: RouteRef, tag?: string): string {
  return `${config.urlScheme}://${externalHost(config, route, tag)}`;
}

/** URL of a route inside the cluster: what `status.address.url` shows. Always plain HTTP. */
export function addressOf(
  config: Pick<UrlConfig, 'clusterDomain'>,
  { name, namespace = 'default' }: RouteRef,
): string {
  return `http://${name}.${namespace}.svc.${config.clusterDomain}`;
}

/** The host names of a route, or of one of its tags, that the gateway serves. */
export function hostsOf(config: HostConfig, route: RouteRef, tag?: string): Hosts {
  const { name, namespace = 'default' } = route;
  const short = `${tag ? `${tag}---` : ''}${name}.${namespace}`;
  return {
    external: externalHost(config, route, tag),
    internal: [short, `${short}.svc`, `${short}.svc.${config.clusterDomain}`],
  };
}
