import type { Plan } from '../../results/record/plan.ts';
import { armName, chartLabel } from '../words/names.ts';
import { armColour, armShape } from './theme.ts';

/** The same arm has the same colour and shape in every picture of a page. */
export interface ArmEncoding {
  labelOf(arm: string): string;
  colourOf(arm: string): string;
  shapeOf(arm: string): string;
  /** Scales for vega-lite over the arms given. */
  colourScale(arms: readonly string[]): { domain: string[]; range: string[] };
  shapeScale(arms: readonly string[]): { domain: string[]; range: string[] };
}

export function armEncoding(plan: Pick<Plan, 'arms'>): ArmEncoding {
  const index = new Map(plan.arms.map((arm, i) => [arm.id, i]));
  const labels = uniqueLabels(plan);
  const at = (arm: string): number => index.get(arm) ?? plan.arms.length;
  return {
    labelOf: (arm) => labels.get(arm) ?? chartLabel(arm),
    colourOf: (arm) => armColour(at(arm)),
    shapeOf: (arm) => armShape(at(arm)),
    colourScale: (arms) => ({
      domain: arms.map((arm) => labels.get(arm) ?? arm),
      range: arms.map((arm) => armColour(at(arm))),
    }),
    shapeScale: (arms) => ({
      domain: arms.map((arm) => labels.get(arm) ?? arm),
      range: arms.map((arm) => armShape(at(arm))),
    }),
  };
}

/** Shortened names that are the same get a number, for a picture would fold them into one. */
function uniqueLabels(plan: Pick<Plan, 'arms'>): Map<string, string> {
  const used = new Map<string, number>();
  return new Map(
    plan.arms.map((arm) => {
      const label = chartLabel(armName(arm));
      const seen = used.get(label) ?? 0;
      used.set(label, seen + 1);
      return [arm.id, seen === 0 ? label : `${label} #${seen + 1}`];
    }),
  );
}
