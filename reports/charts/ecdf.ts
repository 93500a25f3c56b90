import type { Observation } from './observations.ts';
import { metricPicture } from './metric-picture.ts';
import { domainFor, scaleOf } from './scale.ts';

/** The share of trials at or below each value, every box relative to its own median: steep is steady. */
export const ecdfPicture = metricPicture('ecdf', ({ metric, observations, encoding, arms }) => {
  const data = arms.flatMap((arm) => steps(arm, encoding.labelOf(arm), observations));
  if (data.length === 0) return null;
  const domain = domainFor(
    data.map((one) => one.off),
    'linear',
    0.02,
  );
  return {
    title: 'How steady each box is',
    caption:
      'Each step is a trial, measured from the median of its own box. A steep staircase is a steady box; ' +
      'a long tail to one side is a box that stalls now and then.',
    alt: `Empirical distribution functions of ${metric.title}, each relative to its median.`,
    spec: (width) => ({
      data: { values: data },
      width: width - 62,
      height: 130,
      mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.6 },
      encoding: {
        x: {
          field: 'off',
          type: 'quantitative',
          title: 'off the median of the box, %',
          scale: scaleOf('linear', domain),
          axis: { tickCount: 6 },
        },
        y: {
          field: 'share',
          type: 'quantitative',
          title: 'share of trials',
          scale: { domain: [0, 1] },
          axis: { values: [0, 0.25, 0.5, 0.75, 1], format: '.0%' },
        },
        color: { field: 'arm', type: 'nominal', scale: encoding.colourScale(arms), legend: null },
        strokeDash: {
          field: 'arm',
          type: 'nominal',
          legend: null,
          scale: {
            domain: arms.map((arm) => encoding.labelOf(arm)),
            range: arms.map((_, i) => DASHES[i % DASHES.length]!),
          },
        },
      },
    }),
  };
});

/** A staircase of fewer steps says nothing about steadiness. */
const FEWEST = 4;

/** Lines have no shape: dashes tell them apart in grey. */
const DASHES = [
  [1, 0],
  [6, 2],
  [2, 2],
  [8, 2, 2, 2],
  [4, 4],
  [1, 3],
];

function steps(
  arm: string,
  label: string,
  observations: readonly Observation[],
): { arm: string; off: number; share: number }[] {
  const values = observations
    .filter((one) => one.arm === arm && one.state === 'valid' && one.value !== null)
    .map((one) => one.value!)
    .sort((a, b) => a - b);
  if (values.length < FEWEST) return [];
  const middle =
    (values[Math.floor((values.length - 1) / 2)]! + values[Math.ceil((values.length - 1) / 2)]!) / 2;
  if (middle === 0) return [];
  const off = (value: number): number => (value / middle - 1) * 100;
  return [
    { arm: label, off: off(values[0]!), share: 0 },
    ...values.map((value, i) => ({ arm: label, off: off(value), share: (i + 1) / values.length })),
  ];
}
