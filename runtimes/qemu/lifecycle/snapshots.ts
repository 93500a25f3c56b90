import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { GuestPort } from '../control/guest-port.ts';
import { QmpClient } from '../control/qmp-client.ts';
import { QMP_TIMEOUT_MS, SNAPSHOT_TIMEOUT_MS } from '../defaults.ts';
import { putClockAndEntropyRight } from '../machine/guest-link.ts';
import type { MachineRecord } from './machine-record.ts';

const blocksSchema = z.array(
  z.object({
    device: z.string(),
    inserted: z
      .object({
        'node-name': z.string(),
        drv: z.string(),
        ro: z.boolean(),
        image: z.object({
          snapshots: z
            .array(
              z.object({
                name: z.string(),
                'vm-state-size': z.int(),
                'date-sec': z.int(),
                'vm-clock-sec': z.int(),
              }),
            )
            .default([]),
        }),
      })
      .optional(),
  }),
);
const jobsSchema = z.array(z.object({ id: z.string(), status: z.string(), error: z.string().optional() }));

/** A saved moment of a machine, inside its own qcow2 disks. */
export interface Snapshot {
  name: string;
  /** Of memory and devices, in the disk image. */
  stateBytes: number;
  savedAt: string;
  /** How long the guest had been running. */
  guestSeconds: number;
}

/** What saving or loading cost. */
export interface SnapshotCost {
  name: string;
  /** Host monotonic time from the request until the machine went on. */
  ms: number;
  stateBytes: number;
  /** After loading: the same machine goes back in time. */
  putRight?: { clock: string; entropy: string; network: string };
}

/** The disk that memory is written into: every machine of ours has it as qcow2. */
const STATE_DEVICE = 'root';

interface Disks {
  /** Node that takes the memory, and all nodes that belong to the moment. */
  state: string;
  nodes: string[];
}

/** Memory, devices and disks of this moment, by QEMU's internal snapshots; the machine stands still meanwhile. */
export function saveSnapshot(record: MachineRecord, name: string): Promise<SnapshotCost> {
  return withMonitor(record, async (qmp) => {
    const disks = await disksOf(qmp, record);
    if ((await snapshotsOf(qmp)).some((each) => each.name === name))
      throw new BenchError(
        'vm-snapshot-exists',
        `there is a snapshot '${name}' of '${record.name}' already`,
        {
          hint: `bench vm snapshot delete ${record.name} ${name}`,
        },
      );
    const ms = await job(qmp, 'snapshot-save', { tag: name, vmstate: disks.state, devices: disks.nodes });
    return { name, ms, stateBytes: (await find(qmp, record, name)).stateBytes };
  });
}

/** Back to that moment. Clock and randomness are then put right from the host; address and card were the machine's own. */
export async function loadSnapshot(record: MachineRecord, name: string): Promise<SnapshotCost> {
  const cost = await withMonitor(record, async (qmp) => {
    const disks = await disksOf(qmp, record);
    const { stateBytes } = await find(qmp, record, name);
    const ms = await job(qmp, 'snapshot-load', { tag: name, vmstate: disks.state, devices: disks.nodes });
    return { name, ms, stateBytes };
  });
  const port = await GuestPort.connect(record.sockets.guest, QMP_TIMEOUT_MS);
  await putClockAndEntropyRight(port).finally(() => port.close());
  return {
    ...cost,
    putRight: {
      clock: 'set from the host after loading',
      entropy: 'fresh from the host after loading',
      network: 'unchanged: the same machine, its own address and card',
    },
  };
}

export function listSnapshots(record: MachineRecord): Promise<Snapshot[]> {
  return withMonitor(record, snapshotsOf);
}

export function deleteSnapshot(record: MachineRecord, name: string): Promise<void> {
  return withMonitor(record, async (qmp) => {
    const { nodes } = await disksOf(qmp, record);
    await find(qmp, record, name);
    await job(qmp, 'snapshot-delete', { tag: name, devices: nodes });
  });
}

async function withMonitor<T>(record: MachineRecord, work: (qmp: QmpClient) => Promise<T>): Promise<T> {
  const qmp = await QmpClient.connect(record.sockets.monitor);
  return work(qmp).finally(() => qmp.close());
}

async function disksOf(qmp: QmpClient, record: MachineRecord): Promise<Disks> {
  if (record.dataFormat === 'raw')
    throw new BenchError(
      'vm-snapshot-raw',
      "a raw data disk can't hold a snapshot: memory would go back, the disk would not",
      {
        hint: 'boot the machine with -o format=qcow2',
      },
    );
  const blocks = blocksSchema.parse(await qmp.execute('query-block'));
  const disks = blocks.flatMap(({ device, inserted }) =>
    inserted?.drv === 'qcow2' && !inserted.ro ? [{ device, node: inserted['node-name'] }] : [],
  );
  const state = disks.find(({ device }) => device === STATE_DEVICE)?.node;
  if (state === undefined)
    throw new BenchError('vm-snapshot', 'the machine has no disk that could hold its memory');
  return { state, nodes: disks.map(({ node }) => node) };
}

async function snapshotsOf(qmp: QmpClient): Promise<Snapshot[]> {
  const blocks = blocksSchema.parse(await qmp.execute('query-block'));
  const root = blocks.find(({ device }) => device === STATE_DEVICE)?.inserted;
  return (root?.image.snapshots ?? []).map((each) => ({
    name: each.name,
    stateBytes: each['vm-state-size'],
    savedAt: new Date(each['date-sec'] * 1000).toISOString(),
    guestSeconds: each['vm-clock-sec'],
  }));
}

async function find(qmp: QmpClient, record: MachineRecord, name: string): Promise<Snapshot> {
  const found = (await snapshotsOf(qmp)).find((each) => each.name === name);
  if (found) return found;
  throw new BenchError('vm-snapshot-unknown', `the machine '${record.name}' has no snapshot '${name}'`, {
    hint: `bench vm snapshot list ${record.name}`,
  });
}

/** Runs a job of QEMU to its end, ms. @throws BenchError `vm-snapshot` in QEMU's words. */
async function job(qmp: QmpClient, command: string, parameters: Record<string, unknown>): Promise<number> {
  const id = `tare-${randomBytes(4).toString('hex')}`;
  const concluded = qmp.nextEvent(
    'JOB_STATUS_CHANGE',
    SNAPSHOT_TIMEOUT_MS,
    ({ data }) => data.id === id && data.status === 'concluded',
  );
  concluded.catch(() => undefined);
  const begunMs = performance.now();
  await qmp.execute(command, { 'job-id': id, ...parameters });
  await concluded;
  const ms = Math.round((performance.now() - begunMs) * 10) / 10;
  const jobs = jobsSchema.parse(await qmp.execute('query-jobs'));
  await qmp.execute('job-dismiss', { id });
  const error = jobs.find((each) => each.id === id)?.error;
  if (error !== undefined) throw new BenchError('vm-snapshot', `${command} failed: ${error}`);
  return ms;
}
