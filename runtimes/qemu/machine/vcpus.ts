import { existsSync } from 'node:fs';
import * as z from 'zod';
import type { Resources } from '../../../results/record/plan.ts';
import type { Emulator } from './emulator.ts';
import { VHOST_DEVICE } from '../network/check-network.ts';
import { pinPlan, pinThreads, threadsOf, vhostThreads } from './pinning.ts';

const cpusSchema = z.array(z.object({ 'cpu-index': z.int(), 'thread-id': z.int() }));

/** Thread ids of the vCPUs in order of their number, as QEMU says. */
export async function vcpuThreads(emulator: Emulator): Promise<number[]> {
  const cpus = cpusSchema.parse(await emulator.qmp.execute('query-cpus-fast'));
  return cpus.sort((a, b) => a['cpu-index'] - b['cpu-index']).map((cpu) => cpu['thread-id']);
}

/** Pins a fresh QEMU's threads and says where its vCPUs are, e.g. "1" or "2,3". */
export async function pinMachine(emulator: Emulator, resources: Resources): Promise<string> {
  const vcpus = await vcpuThreads(emulator);
  const { cpuset, housekeeping } = resources;
  const helpers = existsSync(VHOST_DEVICE) ? vhostThreads(emulator.pid) : [];
  const pins = pinPlan(vcpus, [...threadsOf(emulator.pid), ...helpers], cpuset, housekeeping);
  await pinThreads(emulator.pid, vcpus, pins);
  return vcpus.map((_, index) => cpuset[index % cpuset.length]).join(',');
}
