import { parseConfig } from '../../config.ts';
import { KubeClient } from '../../kube/client.ts';
import { apiAgent } from '../../kube/connection.ts';
import { createLogger } from '../../telemetry/log.ts';
import { runGateway } from '../control/gateway.ts';

/** A gateway in a process of its own: `node gatewayProcess.ts API_SERVER NAMESPACE POD CONFIG`. It ends with SIGTERM. */
const [server = '', namespace = '', podName = '', config = '{}'] = process.argv.slice(2);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const client = new KubeClient({ server, dispatcher: apiAgent({}), headers: () => ({}) });
await runGateway(
  parseConfig(JSON.parse(config)),
  { namespace, podName },
  client,
  createLogger('gateway', 'warn'),
  stop.signal,
);
process.exit();
