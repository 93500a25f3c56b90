import type { Arm, Part, Plan } from '../record/plan.ts';

/** One exchangeable part that two arms do not have in common. */
export interface PartDifference {
  /** 'emulator', 'kernel', 'launcher', 'image'. */
  part: string;
  /** Both of them in words. */
  text: string;
  /** Named by the options of one of the arms at least: somebody is comparing them. Otherwise it was changed under way. */
  chosen: boolean;
}

/** Digits of a hash that people are shown; 48 bits tell builds apart. */
const SHOWN_DIGITS = 12;

/**
 * What two arms run on that is not the same. Only parts that both have count: a container has no emulator, which is no
 * difference between two emulators. An arm without an image of its own has the run's.
 */
export function partDifferences(
  a: { plan: Pick<Plan, 'image'>; arm: Arm },
  b: { plan: Pick<Plan, 'image'>; arm: Arm },
): PartDifference[] {
  const [ours, theirs] = [partsOf(a), partsOf(b)];
  return Object.entries(ours).flatMap(([part, one]) => {
    const other = theirs[part];
    if (!other || (one.sha256 === other.sha256 && one.version === other.version)) return [];
    return [
      {
        part,
        text: `${part}: ${partInWords(one)} against ${partInWords(other)}`,
        chosen: one.chosen || other.chosen,
      },
    ];
  });
}

/** Whether the two arms of a run were given different images on purpose: then their tools may differ too. */
export function imagesDiffer(plan: Plan, a: string, b: string): boolean {
  const [one, other] = [a, b].map((id) => plan.arms.find((arm) => arm.id === id));
  if (!one || !other) return false;
  return partDifferences({ plan, arm: one }, { plan, arm: other }).some(
    ({ part, chosen }) => part === 'image' && chosen,
  );
}

/** 'QEMU 7.2.22 (Debian …) /usr/bin/qemu-system-x86_64 (sha256 1493008ba003)'. */
export function partInWords({ version, path, sha256 }: Part): string {
  return `${version === null ? '' : `${version} `}${path} (sha256 ${sha256.slice(0, SHOWN_DIGITS)})`;
}

/** The arm's parts, the run's guest image among them; none of a run from before parts were recorded. */
export function partsOf({ plan, arm }: { plan: Pick<Plan, 'image'>; arm: Arm }): Record<string, Part> {
  if (!arm.parts) return {};
  const image: Record<string, Part> = plan.image
    ? {
        image: {
          path: "the run's guest image",
          version: plan.image.suite,
          sha256: plan.image.digest,
          chosen: false,
        },
      }
    : {};
  return { ...image, ...arm.parts };
}
