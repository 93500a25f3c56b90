import type { Delegation } from './delegation.ts';
import type { Privilege } from './privilege.ts';

/** What a measured box of an ordinary user lacks, one line each; for notes and caveats. */
export interface Losses {
  /** Change what a number means: said beside every number. */
  caveats: string[];
  /** Said once, when the run begins. */
  notes: string[];
}

const NONE: Losses = { caveats: [], notes: [] };

/** Pure: from what we are and what we were handed. */
export function losses(privilege: Privilege, delegation: Delegation | null): Losses {
  if (privilege.kind === 'root' || delegation === null) return NONE;
  const notes = idNotes(privilege);
  if (delegation.kind === 'none')
    return {
      caveats: ['run by an ordinary user: memory not limited, CPUs pinned by affinity'],
      notes: [
        ...notes,
        `memory is not limited: ${delegation.reason} (${delegation.remedy})`,
        'CPUs are pinned by sched_setaffinity, which a program inside could change; a cpuset it could not',
        'CPU time is counted by wait for programs that ended and by /proc, to 10 ms, for those that run; not by a cgroup',
        'boxes cannot be paused, and throttling and the OOM killer are not reported: both are read from cgroups',
      ],
    };
  const offered = delegation.layout.v2?.controllers ?? [];
  const lacking = ['cpuset', 'io', 'pids'].filter((name) => !offered.includes(name));
  return {
    caveats: offered.includes('cpuset') ? [] : ['run by an ordinary user: CPUs pinned by affinity'],
    notes: [
      ...notes,
      ...(lacking.length > 0 ? [`not delegated to this session: ${lacking.join(', ')}`] : []),
    ],
  };
}

function idNotes(privilege: Privilege): string[] {
  if (privilege.kind !== 'user' || !privilege.maps.single) return [];
  const { reason, remedy } = privilege.maps.single;
  return [`only root exists inside: ${reason} (${remedy})`];
}
