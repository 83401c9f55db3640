import { Cluster } from './cluster.ts';
import { Installation } from './installation.ts';
import { InstanceProgram } from './instances.ts';
import {
  atRest,
  controllerRestart,
  exhaustedQuotas,
  instances,
  manyServices,
  oneService,
  revisions,
  routeUpdates,
  settle,
} from './measures.ts';
import type { Parameters } from './parameters.ts';
import { makeProjects, type Projects } from './quotas.ts';
import { type Measure, measure } from './result.ts';
import { Services } from './services.ts';

/** What a run works with. */
export interface Run {
  parameters: Parameters;
  cluster: Cluster;
  installation: Installation;
  program: InstanceProgram;
  projects: Projects;
  services: Services;
}

type Record = (...more: Measure[]) => void;

/**
 * Measures Homerun at a size, in a cluster of its own that ends with the run.
 * @param record takes each measure at once.
 */
export async function measureScale(parameters: Parameters, record: Record): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const keep = <T extends { stop(): unknown }>(part: T): T => {
    stack.defer(async () => void (await part.stop()));
    return part;
  };
  const cluster = keep(await Cluster.start(parameters.pods));
  const all = async () => {
    const installation = keep(await Installation.start(cluster));
    const program = keep(await InstanceProgram.start());
    const projects = await makeProjects(cluster.client, parameters);
    const services = keep(new Services(cluster.client));
    await inOrder({ parameters, cluster, installation, program, projects, services }, record);
  };
  await Promise.race([all(), cluster.failed]);
}

/** An empty cluster, services without instances, some with, refused ones, revisions, more instances, another controller. */
async function inOrder(run: Run, record: Record): Promise<void> {
  const { parameters } = run;
  // What has run a few times is compiled, in an empty cluster too.
  await oneService(run, 'warm-up');
  const alone = await oneService(run, 'alone');
  record(measure('one-service-empty', 'ms from apply to ready', alone));
  record(...(await routeUpdates(run, 'empty')));

  record(...(await manyServices(run)));
  record(...besides(await oneService(run, 'beside'), alone, 'services'));
  record(await instances(run, 'first-instances', parameters.running, 1));
  record(...(await routeUpdates(run, 'services')));
  record(...(await atRest(run, 'services')));

  record(await exhaustedQuotas(run));
  record(...besides(await oneService(run, 'room'), alone, 'quotas'));

  record(await revisions(run));
  record(await instances(run, 'all-instances', parameters.pods, parameters.revisions));
  // What five thousand pods have set in motion is over first.
  await settle(run);
  record(...besides(await oneService(run, 'last'), alone, 'all'));
  record(...(await routeUpdates(run, 'all')));
  record(...(await atRest(run, 'all')));
  record(...(await controllerRestart(run)));
}

/** One more service beside what there is, against the first ones. */
function besides(ms: number, alone: number, stage: string): Measure[] {
  return [
    measure(`one-more-${stage}`, 'ms from apply to ready', ms),
    measure(`one-more-${stage}-ratio`, 'times that of an empty cluster', ms / alone, 1.5),
  ];
}
