import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer, PeerProcess } from '../contract.ts';
import { CLONE, MOUNT_ATTR, MS } from '../launch/constants.ts';
import { diesWithUs, startPlan } from '../launch/launch.ts';
import type { LaunchPlan, Op } from '../launch/ops.ts';
import { cpuMask } from './cpu-mask.ts';
import { PATH, PEER_STOP_MS } from './defaults.ts';

/** Where programs of the far side run. */
export interface PeerPlace {
  launcher: string;
  /** The image's root filesystem: the same bytes as inside. */
  rootfs: string;
  /** CPUs off the measured ones; empty where there are none to spare. */
  housekeeping: readonly number[];
  /** Network namespace; null is the host's own (loopback). */
  namespacePath: string | null;
  /** Operations by which an ordinary user becomes able to enter and mount; none for root. */
  enter?: readonly Op[];
}

/** Into the user namespace of a process of ours, as its root. */
export function enterOps(pid: number): Op[] {
  return [{ op: 'setns', path: `/proc/${pid}/ns/user`, type: CLONE.NEWUSER }];
}

/**
 * A program of the image in the peer's network namespace. It sees the image read-only with a /tmp of its own, through a
 * mount namespace that ends with it: the shared tree is never written to and the host's mount table never changes.
 */
export function peerPlan(place: PeerPlace, argv: readonly string[], ownerOp = diesWithUs()): LaunchPlan {
  const ro = MOUNT_ATTR.RDONLY;
  const enter = place.enter ?? [];
  // In a user namespace the host's mounts come as one locked whole: they can only be bound with all that is below.
  const recursive = enter.length > 0 ? 2 : 0;
  return [
    ownerOp,
    { op: 'session' },
    ...(place.housekeeping.length > 0
      ? [{ op: 'affinity', mask: cpuMask(place.housekeeping) } as const]
      : []),
    ...enter,
    ...(place.namespacePath === null
      ? []
      : [{ op: 'setns', path: place.namespacePath, type: CLONE.NEWNET } as const]),
    { op: 'unshare', flags: CLONE.NEWNS },
    { op: 'propagation', path: '/', flags: MS.PRIVATE | MS.REC },
    { op: 'bind', source: place.rootfs, target: place.rootfs, recursive: 0, set: ro, clear: 0, follow: 1 },
    { op: 'root', path: place.rootfs },
    { op: 'bind', source: '/proc', target: '/proc', recursive, set: ro, clear: 0, follow: 0 },
    { op: 'bind', source: '/dev', target: '/dev', recursive, set: ro, clear: 0, follow: 0 },
    {
      op: 'mount',
      source: 'tmpfs',
      target: '/tmp',
      type: 'tmpfs',
      flags: MS.NOSUID | MS.NODEV,
      data: '',
      follow: 0,
    },
    { op: 'chroot', path: place.rootfs },
    { op: 'close-fds', from: 3, keepSlot: -1 },
    { op: 'exec', argv, env: [PATH], search: 1 },
  ];
}

/** The host's side of an instance's network; `stopAll` ends what was spawned and not stopped. */
export function openPeer(address: string, place: PeerPlace): { peer: Peer; stopAll(): Promise<void> } {
  const running = new Set<PeerProcess>();
  const spawn = async (argv: string[]): Promise<PeerProcess> => {
    const launched = await startPlan({ launcher: place.launcher, plan: peerPlan(place, argv) });
    const peerProcess: PeerProcess = {
      pid: launched.pid,
      output: () => launched.stdout() + launched.stderr(),
      async stop() {
        running.delete(peerProcess);
        await Promise.race([
          launched.stop('SIGTERM'),
          sleep(PEER_STOP_MS, undefined, { ref: false }).then(() => launched.stop('SIGKILL')),
        ]);
      },
    };
    running.add(peerProcess);
    return peerProcess;
  };
  return {
    peer: { address, spawn },
    async stopAll() {
      await Promise.all([...running].map((each) => each.stop()));
    },
  };
}
