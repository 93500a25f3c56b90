import { quote } from '../machine/quote.ts';
import type { PlacedSystem } from './user-system.ts';

/**
 * The guest agent's port by the way a machine boots. In a user's system it has a name of our own: the usual one starts the
 * image's own agent, if it has one, which would then hold the port.
 */
export const AGENT_PORT = { direct: 'org.qemu.guest_agent.0', firmware: 'org.tare.agent' } as const;

/**
 * A machine that its firmware starts from a user's disk: UEFI's code and variables (a BIOS is QEMU's own), the disk's
 * overlay, and the seed. Like every root disk the overlay is thrown away, so no flush of it reaches the host.
 */
export function firmwareWords(
  boot: { system: PlacedSystem; code: string | null },
  suffix: 'pci' | 'device',
): string[] {
  const { disk, seed, variables } = boot.system;
  const drive = (file: string, id: string, rest: string): string =>
    `file=${quote(file)},if=none,id=${id},${rest}`;
  return [
    ...(boot.code === null || variables === null
      ? []
      : [
          ...['-drive', `file=${quote(boot.code)},if=pflash,unit=0,format=raw,readonly=on`],
          ...['-drive', `file=${quote(variables)},if=pflash,unit=1,format=raw,cache=unsafe`],
        ]),
    ...['-drive', drive(disk, 'system', 'format=qcow2,cache=unsafe,aio=threads')],
    ...['-device', `virtio-blk-${suffix},drive=system,bootindex=0`],
    ...['-drive', drive(seed, 'seed', 'format=raw,readonly=on')],
    ...['-device', `virtio-blk-${suffix},drive=seed`],
  ];
}
