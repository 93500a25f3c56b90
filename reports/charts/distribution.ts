import { chartLabel } from '../words/names.ts';
import { metricPicture } from './metric-picture.ts';
import { domainFor, scaleOf } from './scale.ts';
import { ink } from './theme.ts';

/** A box of fewer than three values would only draw the values again. */
const FEWEST = 3;

/** The spread of each cell on an axis of its own: a dot for every trial that counts, over a box of its quartiles. */
export const distributionPicture = metricPicture(
  'spread',
  ({ metric, observations, encoding, arms: planned }) => {
    const used = observations.filter((one) => one.state === 'valid' && one.value !== null);
    const arms = planned.filter((arm) => used.filter((one) => one.arm === arm).length >= FEWEST);
    if (arms.length === 0) return null;
    return {
      title: 'Spread of each box',
      caption:
        'Every dot is a trial; the box holds the middle half and its bar is the median. ' +
        'Each box has its own axis: compare shapes here, and costs in the forest plot.',
      alt: `Dot and box plot of ${metric.title} for each arm. Medians and intervals stand in the table of cells.`,
      spec: (width) => ({
        data: { values: [] },
        spacing: 8,
        vconcat: arms.map((arm, i) => {
          const data = used
            .filter((one) => one.arm === arm)
            // Dots of one cell are spread over three lanes by round, so that equal values do not hide each other.
            .map((one) => ({ value: one.value!, lane: (one.round % 3) - 1, tip: one.tip }));
          const domain = domainFor(
            data.map((one) => one.value),
            'linear',
            0.08,
          );
          const x = {
            type: 'quantitative' as const,
            title: i === arms.length - 1 ? chartLabel(`${metric.unit}, ${metric.better} is better`) : null,
            scale: scaleOf('linear', domain),
            axis: { tickCount: 4, grid: false, labelBound: true },
          };
          const colour = encoding.colourOf(arm);
          return {
            data: { values: data },
            width: width - 16,
            height: 30,
            title: { text: encoding.labelOf(arm), color: colour, fontSize: 11, offset: 2 },
            layer: [
              {
                mark: {
                  type: 'boxplot' as const,
                  extent: 'min-max' as const,
                  size: 22,
                  color: colour,
                  box: { fillOpacity: 0.18, color: colour },
                  median: { color: ink, strokeWidth: 2 },
                  rule: { color: colour },
                  ticks: false,
                },
                encoding: { x: { ...x, field: 'value' } },
              },
              {
                mark: {
                  type: 'point' as const,
                  shape: encoding.shapeOf(arm),
                  filled: true,
                  size: 24,
                  opacity: 0.9,
                  color: colour,
                  aria: true,
                },
                encoding: {
                  x: { ...x, field: 'value' },
                  y: {
                    field: 'lane',
                    type: 'quantitative' as const,
                    scale: { domain: [-2.2, 2.2] },
                    axis: null,
                  },
                  description: { field: 'tip' },
                },
              },
            ],
          };
        }),
      }),
    };
  },
);
