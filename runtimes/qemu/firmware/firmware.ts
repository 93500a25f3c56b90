import { access, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';

/** UEFI's code, and the template of its variables, as Debian's and others' packages install them; the first there is. */
const OVMF: { code: string; variables: string }[] = [
  { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE.fd', variables: '/usr/share/OVMF/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/ovmf/OVMF_CODE.fd', variables: '/usr/share/edk2/ovmf/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/x64/OVMF_CODE.4m.fd', variables: '/usr/share/edk2/x64/OVMF_VARS.4m.fd' },
];

/** What starts a machine from its disk. QEMU brings its BIOS (SeaBIOS) itself. */
export type Firmware = { kind: 'bios' } | { kind: 'uefi'; code: string; variables: string };

/** @throws BenchError `vm-firmware-missing`. */
export async function findFirmware(kind: Firmware['kind'], candidates = OVMF): Promise<Firmware> {
  if (kind === 'bios') return { kind };
  for (const { code, variables } of candidates) {
    const there = await Promise.all([access(code), access(variables)]).then(
      () => true,
      () => false,
    );
    if (there) return { kind, code, variables };
  }
  throw new BenchError('vm-firmware-missing', 'firmware: uefi needs OVMF, which is not installed', {
    hint: 'apt-get install -y --no-install-recommends ovmf, or firmware: bios',
  });
}

/** UEFI's variables are written by the guest: each machine has a copy of its own. Gives its path; null for a BIOS. */
export async function ownVariables(firmware: Firmware, folder: string): Promise<string | null> {
  if (firmware.kind === 'bios') return null;
  const path = join(folder, 'efi-variables.fd');
  await copyFile(firmware.variables, path);
  return path;
}
