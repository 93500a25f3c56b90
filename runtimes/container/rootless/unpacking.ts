import { encodePlan } from '../../launch/encode.ts';
import { ensureLauncher } from '../../launch/ensure-launcher.ts';
import { diesWithUs } from '../../launch/launch.ts';
import type { LaunchPlan } from '../../launch/ops.ts';
import type { InsideCommand, UnprivilegedUnpack } from '../images/native/layer-tool.ts';
import { hostPrivilege, userNamespace, type Privilege } from './privilege.ts';

/** Descriptors of the launcher for a program that uses 0 to 3 itself. */
const PLAN_FD = 4;
const STATUS_FD = 5;

/** The plan that runs a program as root of the user's own ids. */
export function insidePlan(enter: LaunchPlan, argv: readonly string[]): LaunchPlan {
  return [diesWithUs(), ...enter, { op: 'exec', argv, env: [], search: 0 }];
}

/**
 * How this user unpacks layers; false for root. With several ids the owners are kept, by a tool that runs as root of a user
 * namespace; with one id all files become the user's own.
 */
export async function unpackingOf(
  cacheDir: string,
  privilege: Privilege = hostPrivilege(),
): Promise<UnprivilegedUnpack | false> {
  if (privilege.kind === 'root') return false;
  if (privilege.kind === 'mapped-root') return { squash: !privilege.setGroups, inside: null };
  if (privilege.maps.single) return { squash: true, inside: null };
  const launcher = await ensureLauncher(cacheDir);
  const enter = userNamespace(privilege)?.enter ?? [];
  const inside: InsideCommand = {
    file: launcher,
    args: [String(PLAN_FD), String(STATUS_FD)],
    plan: (argv) => encodePlan(insidePlan(enter, argv)),
  };
  return { squash: false, inside };
}
