import { BenchError } from '../../../results/bench-error.ts';
import { CLONE, MS } from '../../launch/constants.ts';
import type { Op } from '../../launch/ops.ts';
import type { IdMapping, OciSpec } from '../spec/oci-spec.ts';
import { parseMountOptions } from './mount-options.ts';

/** Lines as /proc/<pid>/uid_map takes them. */
export function mapText(mappings: readonly IdMapping[]): string {
  return mappings.map((each) => `${each.containerID} ${each.hostID} ${each.size}\n`).join('');
}

/**
 * Trees that the inside is to own as on the disk: the layers of a container with users of its own, which are then shared
 * by all containers without a change of owner, and binds that ask for it (`idmap`, `ridmap`, or mappings of their own).
 * Before the clone, in a mount namespace of the launcher: the inside may not map what is not its own. Pure.
 *
 * @throws BenchError `spec-idmap` when a mount asks for a mapping and there is none to take.
 */
export function idmapOps(spec: OciSpec, layers: readonly string[]): Op[] {
  const uid = spec.linux?.uidMappings ?? [];
  const gid = spec.linux?.gidMappings ?? [];
  const map = (path: string, recursive: boolean, optional: boolean, own = { uid, gid }): Op => ({
    op: 'idmap',
    path,
    uidMap: mapText(own.uid),
    gidMap: mapText(own.gid),
    recursive: recursive ? 1 : 0,
    optional: optional ? 1 : 0,
  });
  const trees = [
    ...(many(uid) && many(gid) ? layers.map((path) => map(path, false, true)) : []),
    ...(spec.mounts ?? []).flatMap((mount) => {
      const { extras, bind } = parseMountOptions(mount.options ?? []);
      const own = { uid: mount.uidMappings ?? [], gid: mount.gidMappings ?? [] };
      const has = own.uid.length > 0 || own.gid.length > 0;
      if (!has && !extras.includes('idmap') && !extras.includes('ridmap')) return [];
      const used = has ? own : { uid, gid };
      if (used.uid.length === 0 || used.gid.length === 0 || (bind === 'no' && mount.type !== 'bind'))
        throw new BenchError('spec-idmap', `the mount on ${mount.destination} cannot be mapped`, {
          hint: 'a bind mount, with uidMappings and gidMappings of its own or of the container',
        });
      return [map(mount.source ?? '', extras.includes('ridmap'), false, used)];
    }),
  ];
  if (trees.length === 0) return [];
  return [
    { op: 'unshare', flags: CLONE.NEWNS },
    { op: 'propagation', path: '/', flags: MS.PRIVATE | MS.REC },
    ...trees,
  ];
}

/** A single id is what an unprivileged caller can have, who may not map a mount. */
function many(mappings: readonly IdMapping[]): boolean {
  return mappings.reduce((sum, { size }) => sum + size, 0) > 1;
}
