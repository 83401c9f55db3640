import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { Harness } from '../../operator/gateway/testing/harness.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { until } from '../../operator/testing/until.ts';
import { HOST, program } from './programs.ts';

/** gRPC, Interoperability Test Case Descriptions: all that need neither credentials nor a balancer of their own. */
const CASES = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'unimplemented_method',
  'unimplemented_service',
  'custom_metadata',
  'rpc_soak',
  'channel_soak',
];

const run = promisify(execFile);

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** grpc-go's own client and server with the gateway between them. */
describe('gRPC interoperability, grpc-go through the gateway', () => {
  let harness: Harness;
  let server: ChildProcess;
  let client: string;
  let slot: number;

  before(async function () {
    this.timeout(1_800_000);
    client = program('client');
    const port = await freePort();
    server = spawn(program('server'), ['--port', String(port)], { stdio: 'ignore' });
    await until('the server listens', () => accepts(port));
    harness = await new Harness().listen();
    [slot = -1] = harness.serve(HOST, { protocol: 'h2c', ports: [port] });
  });

  after(async () => {
    await harness.close();
    server.kill();
  });

  for (const name of CASES) {
    it(name, async () => {
      const args = ['--server_host', HOST, '--server_port', String(harness.port), '--test_case', name];
      await run(client, args, { timeout: 30_000 });
      await until('its calls are over', () => harness.slots.inFlight(slot) === 0);
    });
  }
});
