import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Cgroup } from '../../cgroup/cgroup.ts';
import { DEFAULT_DEVICE_RULES, DENY_ALL } from '../../cgroup/device-rules.ts';
import { isUnified } from '../../cgroup/layout.ts';
import { PARKED } from '../../launch/launch.ts';
import type { LaunchPlan } from '../../launch/ops.ts';
import { cpuMask } from '../../network/cpu-mask.ts';
import { insideLinkOps } from '../../network/peer-network.ts';
import { bridgeLink, type BridgeLink } from '../networks/links.ts';
import { etcMounts } from '../networks/etc-files.ts';
import { containerPlan } from '../plan/container-plan.ts';
import { compileSeccomp } from '../seccomp/compile.ts';
import { defaultSeccomp } from '../seccomp/default-profile.ts';
import {
  adjustCapabilities,
  CAPABILITIES,
  DEFAULT_CAPABILITIES,
  heldCapabilities,
} from '../spec/capabilities.ts';
import { defaultSpec } from '../spec/default-spec.ts';
import type { OciSpec } from '../spec/oci-spec.ts';
import { hasFolders } from '../rootless/cgroup-place.ts';
import { hostPrivilege, userNamespace } from '../rootless/privilege.ts';
import { requireMappedUser } from '../rootless/user-mapping.ts';
import { readEtc, resolveUser } from '../user.ts';
import { ociMount } from '../volumes/mount.ts';
import { containerSubject, endingLine, eventsFile } from './events.ts';
import type { NetworkPlace } from './network-place.ts';
import { dataRoot, stateRoot } from './record.ts';
import type { StoredRequest } from './request.ts';
import { GATE, MAX_LOG_BYTES, supervisionOps } from './supervision.ts';

/** What a request becomes, before anything is made; `bench container plan` prints it. */
export interface Blueprint {
  spec: OciSpec;
  plan(cgroup: Cgroup): LaunchPlan;
  link: BridgeLink | null;
}

export function blueprint(request: StoredRequest, id: string, place: NetworkPlace): Blueprint {
  const data = join(dataRoot(), id);
  const user = resolveUser(request.user, readEtc(request.layers, 'passwd'), readEtc(request.layers, 'group'));
  const privilege = hostPrivilege();
  requireMappedUser(privilege, user);
  // null for root, who needs none.
  const namespace = userNamespace();
  // Whoever makes a user namespace has every capability in it.
  const held = (names: readonly string[]): string[] =>
    privilege.kind === 'user' ? [...names] : heldCapabilities(names);
  const granted = request.privileged
    ? held(CAPABILITIES)
    : held(adjustCapabilities(DEFAULT_CAPABILITIES, request.capAdd, request.capDrop));
  const confined = !request.privileged && !request.seccompUnconfined;
  const env = [...request.env];
  if (!env.some((each) => each.startsWith('HOME='))) env.push(`HOME=${user.home}`);
  if (request.terminal && !env.some((each) => each.startsWith('TERM='))) env.push('TERM=xterm');
  const spec = defaultSpec({
    rootfs: join(data, 'root'),
    argv: request.argv,
    env,
    cwd: request.cwd,
    user,
    hostname: request.hostname ?? id,
    terminal: request.terminal,
    rootless: namespace !== null,
    ttyGroup: namespace?.setGroups !== false,
    readonlyRoot: request.readonlyRoot,
    capabilities: granted,
    seccomp: confined ? defaultSeccomp(granted) : null,
    privileged: request.privileged,
    network: place.kind === 'host' ? 'host' : place.kind === 'container' ? place.namespacePath : null,
    mounts: [...etcMounts(place.etcFolder, request.mounts), ...request.mounts].map(ociMount),
  });
  const link = place.kind === 'bridge' ? bridgeLink(id, place.network, place.ipv4) : null;
  const supervision = supervisionOps({
    ...request,
    folder: join(stateRoot(), id),
    maxLogBytes: MAX_LOG_BYTES,
    uid: user.uid,
    console: true,
  });
  const subject = containerSubject({ id, name: request.name ?? id, image: request.imageName });
  return {
    spec,
    link,
    plan(cgroup) {
      const unified = isUnified(cgroup.layout);
      const { cpuset } = request.limits;
      const rules = request.privileged
        ? [{ allow: true, type: 'a', access: 'rwm' }]
        : [DENY_ALL, ...DEFAULT_DEVICE_RULES];
      return containerPlan(spec, {
        owner: null,
        userNamespace: namespace,
        outside: place.kind === 'user' ? place.network.outside : [],
        overlay: { lower: request.layers, upper: join(data, 'upper'), work: join(data, 'work') },
        attachOps: unified ? [] : cgroup.attachChildOps(),
        birthCgroup: unified ? (cgroup.folders[0] ?? null) : null,
        network: {
          parent: [
            ...(link?.parent ?? (place.kind === 'user' ? place.network.parent : [])),
            supervision.supervise,
            { op: 'at-end', path: eventsFile(), text: endingLine(subject) },
            ...supervision.parent,
          ],
          // Another container's namespace is as that one set it up.
          inside: link?.inside ?? (place.kind === 'container' ? [] : insideLinkOps(null)),
        },
        seccomp: spec.linux?.seccomp ? compileSeccomp(spec.linux.seccomp) : null,
        preserveFds: 0,
        main: 'exec',
        before: [
          // Devices cannot be made in a user namespace, so nothing needs to be denied.
          ...(namespace === null ? cgroup.restrictDevices(rules) : []),
          ...(cpuset && !hasFolders(cgroup) ? [{ op: 'affinity', mask: cpuMask(cpuset) } as const] : []),
          ...supervision.before,
        ],
        beforeExec: [
          { op: 'report', words: PARKED },
          { op: 'gate', slot: GATE },
        ],
        terminal: supervision.inside,
        hookState: '',
        isFolder: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
        cgroupFolders: cgroup.folders,
        unified,
      });
    },
  };
}
