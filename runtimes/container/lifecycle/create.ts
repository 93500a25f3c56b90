import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { CLONE } from '../../launch/constants.ts';
import { ensureLauncher } from '../../launch/ensure-launcher.ts';
import { runPlan, startPlan } from '../../launch/launch.ts';
import { NETNS_FOLDER } from '../../network/defaults.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { hostResolvConf, hostsText, resolvText, writeInPlace } from '../networks/etc-files.ts';
import { namespacePlan } from '../networks/links.ts';
import { hostNamespace, namespacePath } from '../networks/network-store.ts';
import { settlePorts, type TakenPort } from '../networks/port-holder.ts';
import { parseIpv4 } from '../networks/subnets.ts';
import { ALL_NAMESPACES } from '../plan/exec-plan.ts';
import { makeCgroup, ownCgroup } from '../rootless/cgroup-place.ts';
import { userNamespace } from '../rootless/privilege.ts';
import { removeTree } from '../rootless/remove-tree.ts';
import { awaitUserNetwork } from '../rootless/user-network.ts';
import { ensureVolume } from '../volumes/volume-store.ts';
import { blueprint, type Blueprint } from './blueprint.ts';
import { announce, containerSubject } from './events.ts';
import { fillVolumes } from './fill-volumes.ts';
import { locked } from './lock.ts';
import { networkPlace, type NetworkPlace } from './network-place.ts';
import { dataRoot, listRecords, readRecord, stateRoot, writeRecord, type ContainerRecord } from './record.ts';
import { discard } from './remove.ts';
import { createRequestSchema, type CreateRequest } from './request.ts';
import { ownNeighbour, settleNetworks } from './settle.ts';
import { cgroupOf, containerStatus } from './status.ts';

/** @throws BenchError `container-name`. */
export function checkName(name: string, others: readonly ContainerRecord[]): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/.test(name))
    throw new BenchError('container-name', `a container cannot be called '${name}'`, {
      hint: 'letters, digits, _ . and -, beginning with a letter or digit',
    });
  const other = others.find((each) => each.name === name);
  if (other)
    throw new BenchError('container-name', `the name '${name}' is taken by container ${other.id}`, {
      hint: `bench container rm ${name}, or rename it`,
    });
}

/**
 * Makes a container up to its start gate: everything is there, the program has not run. It outlives this process.
 *
 * @throws BenchError `container-name`, `port-taken`, `launch-failed` and others; nothing is left behind then.
 */
export async function createContainer(request: CreateRequest): Promise<ContainerRecord> {
  const { record, made, place } = await reserve(request);
  try {
    for (const mount of request.mounts)
      if (mount.volume !== null) ensureVolume(mount.volume, { anonymous: mount.anonymous });
    await fillVolumes(record, request.cacheDir);
    const launched = await launch(record, made, place, request.cacheDir);
    announce(containerSubject(record), 'create');
    return launched;
  } catch (error) {
    await discard(record);
    await locked(settleNetworks);
    throw error;
  }
}

/** A container that has ended, once more: the same request, the same files, the same address. */
export async function launchAgain(record: ContainerRecord, cacheDir: string): Promise<ContainerRecord> {
  const { made, place, again } = await locked(async () => {
    const others = listRecords().filter((each) => each.id !== record.id);
    const address = record.address === null ? undefined : parseIpv4(record.address);
    const settled = networkPlace(record.request, record.id, others, address);
    const ports = await settlePorts(record.ports, takenPorts(others));
    return {
      place: settled,
      made: blueprint({ ...record.request, name: record.name }, record.id, settled),
      again: { ...record, ports, hostNamespace: hostNamespace() },
    };
  });
  await cgroupOf(record).destroy();
  rmSync(record.stateFolder, { recursive: true, force: true });
  await removeTree(join(record.dataFolder, 'work'), cacheDir);
  return launch(again, made, place, cacheDir);
}

/** Under the lock: a name, an address and ports that are nobody else's, and a record that says so before anything is made. */
function reserve(
  request: CreateRequest,
): Promise<{ record: ContainerRecord; made: Blueprint; place: NetworkPlace }> {
  return locked(async () => {
    const id = randomBytes(6).toString('hex');
    const name = request.name ?? id;
    const others = listRecords();
    checkName(name, others);
    const place = networkPlace(request, id, others);
    const ports = await settlePorts(request.ports, takenPorts(others));
    const stored = createRequestSchema.parse(request);
    const made = blueprint(stored, id, place);
    const record: ContainerRecord = {
      schema: 'tare.container/1',
      id,
      name,
      image: request.imageName,
      createdAt: new Date().toISOString(),
      phase: 'making',
      creator: { pid: process.pid, startTime: processStartTime(process.pid) ?? '' },
      pid: 0,
      startTime: '',
      stateFolder: join(stateRoot(), id),
      dataFolder: join(dataRoot(), id),
      cgroup: ownCgroup('containers', id).path,
      cacheDir: request.cacheDir,
      network: place.kind === 'bridge' ? place.network.id : null,
      address: made.link?.address ?? (place.kind === 'user' ? place.network.address : null),
      hostNamespace: hostNamespace(),
      ports,
      namespaces: namespacesOf(place),
      process: made.spec.process as ContainerRecord['process'],
      seccomp: made.spec.linux?.seccomp ?? null,
      terminal: request.terminal,
      interactive: request.interactive,
      autoRemove: request.autoRemove,
      stopSignal: request.stopSignal,
      request: stored,
    };
    writeRecord(record);
    return { record, made, place };
  });
}

/** CLONE_NEW* bits of what it has of its own, or shares with another container. */
function namespacesOf(place: NetworkPlace): number {
  const user = userNamespace() === null ? 0 : CLONE.NEWUSER;
  return user | (place.kind === 'host' ? ALL_NAMESPACES & ~CLONE.NEWNET : ALL_NAMESPACES);
}

/** Ports of containers that live in this host namespace. */
function takenPorts(others: readonly ContainerRecord[]): TakenPort[] {
  const here = hostNamespace();
  return others
    .filter((each) => each.hostNamespace === here && containerStatus(each) !== 'exited')
    .flatMap((each) => each.ports.map((port) => ({ port, container: each.name })));
}

async function launch(
  record: ContainerRecord,
  made: Blueprint,
  place: NetworkPlace,
  cacheDir: string,
): Promise<ContainerRecord> {
  const { stateFolder, dataFolder, request } = record;
  const launcher = await ensureLauncher(cacheDir);
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  for (const folder of ['upper', 'work', 'root']) mkdirSync(join(dataFolder, folder), { recursive: true });
  copyTopMode(request.layers, join(dataFolder, 'upper'));
  await execa('mkfifo', ['-m', '600', join(stateFolder, 'gate')]);
  writeEtc(record, place);
  const cgroup = cgroupOf(record);
  makeCgroup(cgroup, request.limits);
  const namespace = place.kind === 'bridge' ? namespacePath(place.network) : null;
  if (namespace !== null) await locked(() => pinNamespace(launcher, namespace));
  const launched = await startPlan({
    launcher,
    plan: made.plan(cgroup),
    stdout: 'ignore',
    stderr: 'ignore',
    detached: true,
  });
  try {
    if (place.kind === 'user') await awaitUserNetwork(place.network, launched.pid, stateFolder);
  } catch (error) {
    // It is on no record yet. Without its first process the supervisor ends as well, and what it started beside it.
    await launched.stop();
    throw error;
  }
  launched.release();
  const startTime = processStartTime(launched.pid) ?? '';
  const { name } = readRecord(record.id) ?? record;
  const running: ContainerRecord = { ...record, name, phase: 'made', pid: launched.pid, startTime };
  await locked(async () => {
    writeRecord(running);
    if (place.kind === 'bridge') await settleNetworks();
  });
  return running;
}

/** An internal network's namespace, if nobody has made it yet. */
async function pinNamespace(launcher: string, path: string): Promise<void> {
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[4] === path);
  if (mounted) return;
  rmSync(path, { force: true });
  mkdirSync(NETNS_FOLDER, { recursive: true });
  await runPlan({ launcher, plan: namespacePlan(path) });
}

/** The files of /etc that are the runtime's; another container's are shared with its network. */
function writeEtc(record: ContainerRecord, place: NetworkPlace): void {
  if (place.kind === 'container') return;
  const { dns, extraHosts, nat } = record.request;
  const out = place.kind === 'user' || (place.kind === 'bridge' && (place.network.nat || nat));
  const kind = place.kind === 'host' ? 'host' : out ? 'out' : 'no way out';
  const hosts =
    place.kind === 'host'
      ? readFileSync('/etc/hosts', 'utf8')
      : hostsText(ownNeighbour(record), extraHosts, []);
  writeInPlace(place.etcFolder, 'hosts', hosts);
  writeInPlace(place.etcFolder, 'resolv.conf', resolvText(hostResolvConf(), kind, dns));
  const own = record.request.hostname ?? (place.kind === 'host' ? hostname() : record.id);
  writeInPlace(place.etcFolder, 'hostname', `${own}\n`);
}

/** overlayfs shows the upper folder's own mode at the root, so it takes the topmost layer's. */
function copyTopMode(layers: readonly string[], upper: string): void {
  const top = layers.at(-1);
  if (top !== undefined) chmodSync(upper, statSync(top).mode & 0o7777);
}
