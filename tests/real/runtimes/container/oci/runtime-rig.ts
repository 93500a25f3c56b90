import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machinePaths } from '../../../../../harness/run/paths.ts';
import { packagePath } from '../../../../../results/package-root.ts';
import { ensureImage } from '../../../../../runtimes/image/ensure-image.ts';
import { defaultSpec } from '../../../../../runtimes/container/spec/default-spec.ts';
import type { OciSpec } from '../../../../../runtimes/container/spec/oci-spec.ts';

/** The runtime as its callers find it. */
export const RUNTIME = packagePath('dist', 'tare-oci.cjs');

export interface Said {
  code: number | null;
  out: string;
  err: string;
}

/** A bundle on the guest image and the runtime's command line, with a root of its own. */
export interface RuntimeRig {
  folder: string;
  bundle: string;
  rootfs: string;
  /** Writes config.json: the defaults, changed. */
  config(change: (spec: OciSpec) => void): void;
  /** Runs the command line. Output goes to files, since a container that lives on would hold a pipe open. */
  call(args: string[], input?: string, passed?: number[]): Promise<Said>;
  status(id: string): Promise<string>;
  close(): void;
}

export async function openRuntimeRig(): Promise<RuntimeRig> {
  const image = await ensureImage(machinePaths().cacheDir, () => undefined);
  const folder = mkdtempSync('/var/tmp/tare-oci-test-');
  const bundle = join(folder, 'bundle');
  mkdirSync(bundle);
  const root = join(folder, 'state');
  let calls = 0;
  const rig: RuntimeRig = {
    folder,
    bundle,
    rootfs: image.rootfs,
    config(change) {
      const spec = defaultSpec({ rootfs: image.rootfs, argv: ['true'], readonlyRoot: true });
      change(spec);
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
    },
    async call(args, input = '', passed = []) {
      const at = join(folder, `call-${calls++}`);
      writeFileSync(`${at}.in`, input);
      const fds = [openSync(`${at}.in`, 'r'), openSync(`${at}.out`, 'w'), openSync(`${at}.err`, 'w')];
      try {
        const child = spawn(RUNTIME, ['--root', root, ...args], {
          stdio: [...fds, ...passed],
        });
        const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
        return { code, out: readFileSync(`${at}.out`, 'utf8'), err: readFileSync(`${at}.err`, 'utf8') };
      } finally {
        fds.forEach((fd) => closeSync(fd));
      }
    },
    async status(id) {
      const { out } = await rig.call(['state', id]);
      return (JSON.parse(out) as { status: string }).status;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
  return rig;
}

/** Waits until it holds, for at most ten seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return true;
    await sleep(50);
  }
  return false;
}
