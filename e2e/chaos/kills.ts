import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PODS, type Pod } from '../../operator/kube/core.ts';
import { podProcess } from '../lib/processes.ts';
import { areReady, leader, podsOfRole, type Role } from '../lib/roles.ts';
import { until } from '../lib/wait.ts';
import { canary } from './canary.ts';
import { type Component, componentProcess } from './processes.ts';
import { anyOf, type Injected, restartsOf, type Scene } from './scene.ts';

const PAUSE_MS = 30_000;
/**
 * The kubelet starts a container that has failed twice again only after ever longer pauses: a pod whose container was
 * started again is deleted instead, and another takes its place.
 */
const MOST_RESTARTS = 1;
/** How often the controller to be killed is the one that leads. */
const LEADER_SHARE = 0.7;

/** Kills the process of a pod with SIGKILL, or deletes a pod that was killed too often. */
export async function killPod(scene: Scene, role: Role): Promise<Injected> {
  const { client, random, clock } = scene;
  const before = await podsOfRole(client, role);
  const pod =
    role === 'controller' && random.chance(LEADER_SHARE)
      ? await leaderOf(scene, before)
      : anyOf(before, random);
  const { name } = pod.metadata;
  const pid = await podProcess(name);
  if (!pid) throw new Error(`${name} does not run`);
  const leaderKilledAt = (await leader(client)) === name ? Date.now() : undefined;
  const isDeleted = restartsOf(pod) >= MOST_RESTARTS;
  const isBack = async () => {
    const present = await podProcess(name);
    return present !== pid && (isDeleted || present !== undefined) && areReady(client, role, before.length);
  };
  const at = clock();
  if (isDeleted) await client.delete(PODS, pod.metadata);
  else await killed(pid);
  const overAt = clock();
  const target = isDeleted ? `${name}, deleted` : name;
  const killsGateway = role === 'gateway' && !isDeleted;
  return { target, at, overAt, leaderKilledAt, killsGateway, mayRestart: [name], isBack };
}

/** Stops the process of a pod for half a minute. The kubelet may find that it does not live, and start it again. */
export async function pausePod(scene: Scene, role: Role): Promise<Injected> {
  const { client, random } = scene;
  const before = await podsOfRole(client, role);
  const { name } = anyOf(before, random).metadata;
  const pid = await podProcess(name);
  if (!pid) throw new Error(`${name} does not run`);
  const times = await pause(scene, pid);
  return {
    ...times,
    target: name,
    mayRestart: [name],
    isBack: () => areReady(scene.client, role, before.length),
  };
}

/** Kills a component of the node, which starts it again a second later. */
export async function killComponent(scene: Scene, component: Component): Promise<Injected> {
  const killed = await running(component);
  const at = scene.clock();
  process.kill(killed, 'SIGKILL');
  const works = canary(scene.client);
  const isBack = async () => {
    const pid = await componentProcess(component);
    return pid !== undefined && pid !== killed && (await answers(scene, component)) && works();
  };
  return { target: component, at, overAt: at, isBack };
}

/** Stops a component of the node for half a minute. */
export async function pauseComponent(scene: Scene, component: Component): Promise<Injected> {
  const times = await pause(scene, await running(component));
  const works = canary(scene.client);
  return { ...times, target: component, isBack: async () => (await answers(scene, component)) && works() };
}

/** Kills a process, and waits until it is gone with all of its connections, which takes a while on a busy machine. */
async function killed(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await until(`the end of process ${pid}`, () => !existsSync(`/proc/${pid}`), { everyMs: 5 });
}

async function leaderOf(scene: Scene, pods: readonly Pod[]): Promise<Pod> {
  const name = await leader(scene.client);
  return pods.find(({ metadata }) => metadata.name === name) ?? anyOf(pods, scene.random);
}

async function pause({ clock }: Scene, pid: number): Promise<{ at: number; overAt: number }> {
  const at = clock();
  process.kill(pid, 'SIGSTOP');
  try {
    await sleep(PAUSE_MS);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  return { at, overAt: clock() };
}

async function running(component: Component): Promise<number> {
  const pid = await componentProcess(component);
  if (!pid) throw new Error(`${component} does not run`);
  return pid;
}

/** Whether a component does its work; of those that nothing can be asked, the API server's own answer has to do. */
async function answers({ client }: Scene, component: Component): Promise<boolean> {
  await client.request('GET', '/api/v1/namespaces/default', { timeoutMs: 2_000 });
  if (component !== 'kubelet') return true;
  // At the node's own address, in whose network this runs.
  return (await fetch('http://127.0.0.1:10248/healthz', { signal: AbortSignal.timeout(2_000) })).ok;
}
