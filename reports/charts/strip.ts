import { domainFor, isDrawable, logTicks, scaleFor, scaleOf } from './scale.ts';
import type { ArmEncoding } from './arm-encoding.ts';
import type { Picture } from './picture.ts';
import { ink } from './theme.ts';

/** One value of one arm, shown as a dot. */
export interface StripPoint {
  arm: string;
  value: number;
  tip: string;
}

/** A row of dots per arm over one axis, with a bar at the median; logarithmic when the arms lie far apart. */
export function stripPicture(
  frame: Pick<Picture, 'id' | 'title' | 'caption' | 'alt' | 'workload'> & {
    axis: string;
    labelExpr?: string;
  },
  given: readonly StripPoint[],
  encoding: ArmEncoding,
  allArms: readonly string[],
): Picture | null {
  const points = given.filter((point) => isDrawable(point.value));
  const arms = allArms.filter((arm) => points.some((point) => point.arm === arm));
  if (arms.length === 0) return null;
  const values = points.map((point) => point.value);
  const type = scaleFor(values);
  const domain = domainFor(values, type, 0.08);
  const from: [number, number] = type === 'linear' && domain[0] > 0 ? [0, domain[1]] : domain;
  const data = points.map((point) => ({ ...point, arm: encoding.labelOf(point.arm) }));
  const { axis, labelExpr, ...rest } = frame;
  return {
    ...rest,
    wide: false,
    spec: (width) => {
      const y = {
        field: 'arm',
        type: 'nominal' as const,
        sort: arms.map((arm) => encoding.labelOf(arm)),
        title: null,
        axis: null,
      };
      const x = {
        field: 'value',
        type: 'quantitative' as const,
        title: axis,
        scale: scaleOf(type, from),
        axis: {
          ...(type === 'log' ? { values: logTicks(from, 6) } : { tickCount: 5 }),
          ...(labelExpr === undefined ? { format: '~s' } : { labelExpr }),
        },
      };
      const colour = {
        field: 'arm',
        type: 'nominal' as const,
        scale: encoding.colourScale(arms),
        legend: null,
      };
      return {
        data: { values: data },
        width: width - 20,
        height: { step: 38 },
        layer: [
          {
            mark: { type: 'point', filled: true, size: 30, opacity: 0.75, aria: true, yOffset: 5 },
            encoding: {
              x,
              y,
              color: colour,
              shape: { field: 'arm', type: 'nominal', scale: encoding.shapeScale(arms), legend: null },
              description: { field: 'tip' },
            },
          },
          {
            mark: { type: 'tick', color: ink, thickness: 2, size: 16, yOffset: 5 },
            encoding: { x: { ...x, aggregate: 'median' }, y },
          },
          {
            transform: [{ aggregate: [{ op: 'count', as: 'n' }], groupby: ['arm'] }],
            mark: { type: 'text', align: 'left', baseline: 'bottom', dy: -4, limit: width - 20 },
            encoding: { y, x: { value: 0 }, text: { field: 'arm' }, color: colour },
          },
        ],
      };
    },
  };
}
