import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { DOMAIN_MAPPINGS } from '../../apis/domains/domainMapping/types.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES } from '../../apis/serving/route/types.ts';
import { parseConfig } from '../../config.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { freePort } from '../../testing/freePort.ts';
import { silent, until } from '../../testing/until.ts';
import { runGateway } from '../control/gateway.ts';

/** The whole role with real threads, before a fake API server; instances are programs on loopback addresses. */
export interface GatewayRole {
  /** New for each test. */
  api: FakeApiServer;
  port: number;
  internalPort: number;
  /** Starts it, with this configuration besides its ports; resolves when it is ready. */
  begin(settings?: { gateway?: object; [part: string]: object | undefined }): Promise<void>;
  /** Asks it to end; resolves when it has. It ends after each test in any case. */
  end(): Promise<void>;
  /** The same, without waiting. */
  stop(): void;
  /** A request to its port for metrics and probes. */
  admin(path: string, options?: Parameters<typeof request>[1]): Promise<{ status: number; text: string }>;
  /** Starts a program, which ends with the test; gives its port. */
  program(listener: RequestListener | Server, at?: string, on?: number): Promise<number>;
}

/** Gives a suite the role; a test starts it when its objects are there. */
export function useGatewayRole(): GatewayRole {
  let adminPort = 0;
  let stop = new AbortController();
  let running: Promise<void> | undefined;
  const servers: Server[] = [];
  const role = {
    async begin({ gateway, ...settings }: { gateway?: object } = {}) {
      [role.port, role.internalPort, adminPort] = [await freePort(), await freePort(), await freePort()];
      const ports = { port: role.port, internalPort: role.internalPort, gatewayPort: await freePort() };
      const config = parseConfig({
        domain: 'test',
        adminPort,
        gateway: { ...ports, threads: 2, drainSeconds: 20, ...gateway },
        ...settings,
      });
      stop = new AbortController();
      const identity = { namespace: 'sys', podName: 'gw' };
      running = runGateway(config, identity, role.api.client, silent, stop.signal);
      running.catch(() => {});
      const isReady = async () => (await role.admin('/readyz').catch(() => undefined))?.status === 200;
      await until('it is ready', isReady);
    },
    async end() {
      stop.abort();
      await running;
      running = undefined;
    },
    stop: () => stop.abort(),
    async admin(path, options) {
      const { statusCode, body } = await request(`http://127.0.0.1:${adminPort}${path}`, options);
      return { status: statusCode, text: await body.text() };
    },
    async program(listener: RequestListener | Server, at = '127.0.0.1', on = 0) {
      const server = typeof listener === 'function' ? createServer(listener) : listener;
      servers.push(server);
      server.listen(on, at);
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
  } as GatewayRole;

  beforeEach(async () => {
    role.api = await FakeApiServer.start({ types: [ROUTES, REVISIONS, DOMAIN_MAPPINGS] });
  });

  afterEach(async () => {
    await role.end();
    await role.api.close();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });
  return role;
}

/** A revision whose instances listen at a port. */
export function servedRevision(
  name: string,
  containerPort: number,
  spec: Partial<Revision['spec']> = {},
): Revision {
  return {
    apiVersion: REVISIONS.apiVersion,
    kind: REVISIONS.kind,
    metadata: { namespace: 'ns', name, uid: `uid-${name}` },
    spec: {
      containerConcurrency: 80,
      timeoutSeconds: 10,
      ...spec,
      containers: [{ name: 'user', image: 'x', ports: [{ containerPort }] }],
    },
  };
}
