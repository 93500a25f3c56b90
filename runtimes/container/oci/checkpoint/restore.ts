import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import { Cgroup } from '../../../cgroup/cgroup.ts';
import { isUnified } from '../../../cgroup/layout.ts';
import { deviceRulesOf, limitsOfResources } from '../../../cgroup/oci-resources.ts';
import { ensureLauncher } from '../../../launch/ensure-launcher.ts';
import { processStartTime } from '../../../sweep/process-start-time.ts';
import type { OciSpec } from '../../spec/oci-spec.ts';
import { readBundle } from '../bundle.ts';
import { cgroupPathOf } from '../cgroup-path.ts';
import { newState } from '../create.ts';
import { hookState, runHooks } from '../hooks.ts';
import type { StateRoot } from '../state.ts';
import { refuseUnsupported } from '../unsupported.ts';
import { readCheckpointRecord } from './checkpoint-record.ts';
import { restoreWords, type CriuChoices } from './criu-words.ts';
import { findCriu, runCriu } from './run-criu.ts';

const MS_PRIVATE_ALL = 0x40000 | 0x4000;

export interface RestoreRequest extends CriuChoices {
  id: string;
  bundle: string;
  cacheDir: string;
  criu?: string;
  pidFile?: string;
}

/**
 * Brings a container back from a checkpoint: its cgroup is made with its limits, criu is put in it, makes the namespaces,
 * mounts and processes below the bundle's root, and leaves them there. Hands back complaints of poststart hooks.
 */
export async function restoreContainer(root: StateRoot, request: RestoreRequest): Promise<string[]> {
  const { id } = request;
  const criu = findCriu(request.criu);
  const bundle = await readBundle(request.bundle);
  const { spec } = bundle;
  const record = readCheckpointRecord(request.imagePath);
  const warnings = refuseUnsupported(spec);
  root.claim(id);
  const cgroup = new Cgroup(cgroupPathOf(spec.linux?.cgroupsPath, id));
  try {
    const state = newState(id, bundle, cgroup.path);
    root.write(state);
    writeFileSync(root.configFile(id), JSON.stringify(spec), { mode: 0o600 });
    cgroup.create(limitsOfResources(spec.linux?.resources ?? {}));
    const devices = deviceRulesOf(spec.linux?.resources ?? {});
    const filter = devices ? cgroup.restrictDevices(devices) : [];
    // criu wants a mount point for a root; in its own mount namespace, so that nothing of it stays.
    const at = join(request.workPath, 'root');
    mkdirSync(at, { recursive: true, mode: 0o700 });
    const pidFile = join(request.workPath, `${id}.pid`);
    const launcher = await ensureLauncher(request.cacheDir);
    await runCriu(
      { launcher, criu, workPath: request.workPath, logFile: 'restore.log' },
      restoreWords(request, {
        root: at,
        pidFile,
        externals: record.externals.map((each) => ({ at: each, source: sourceOf(each, spec, cgroup) })),
        streams: record.streams,
      }),
      [
        ...filter,
        ...cgroup.joinOps(),
        { op: 'propagation', path: '/', flags: MS_PRIVATE_ALL },
        { op: 'bind', source: spec.root.path, target: at, recursive: 1, set: 0, clear: 0, follow: 1 },
      ],
    );
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const restored = { ...state, pid, startTime: processStartTime(pid) ?? '' };
    root.write(restored);
    if (request.pidFile !== undefined) writeFileSync(request.pidFile, String(pid));
    const complaints = await runHooks(spec.hooks?.poststart, hookState(restored, 'running', pid));
    return [...warnings, ...cgroup.notes, ...complaints];
  } catch (error) {
    await cgroup.destroy().catch(() => undefined);
    root.remove(id);
    throw error;
  }
}

/** Where a mount that leads out of the container comes from now: a bind's source, /dev/null over a masked file, a cgroup. */
function sourceOf(at: string, spec: OciSpec, cgroup: Cgroup): string {
  const bind = spec.mounts?.find(({ destination }) => destination === at);
  const isCgroup = ({ type }: { type?: string | null }): boolean => type === 'cgroup' || type === 'cgroup2';
  if (bind?.source && !isCgroup(bind)) return bind.source;
  if (spec.linux?.maskedPaths?.includes(at)) return '/dev/null';
  if (spec.mounts?.some((mount) => isCgroup(mount) && `${at}/`.startsWith(`${mount.destination}/`))) {
    const folder = isUnified(cgroup.layout)
      ? cgroup.folders[0]
      : cgroup.folders.find((each) => each.startsWith(`/sys/fs/cgroup/${basename(at)}/`));
    if (folder !== undefined) return folder;
  }
  throw new BenchError('checkpoint-mount', `the checkpoint has a mount on ${at}, and the bundle has none`, {
    hint: 'restore with the configuration that the container was made with',
  });
}
