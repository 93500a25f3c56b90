import { chartLabel } from '../words/names.ts';
import { metricPicture } from './metric-picture.ts';
import { domainFor, logTicks, scaleFor, scaleOf } from './scale.ts';
import { alarm } from './theme.ts';

/** Every trial of one metric by round: drift and disturbance are seen here, and what is void or missing is marked. */
export const roundsPicture = metricPicture('rounds', ({ metric, observations, encoding, arms }) => {
  const seen = observations.filter((one) => one.value !== null);
  if (seen.length === 0) return null;
  const values = seen.map((one) => one.value!);
  const type = scaleFor(values);
  const domain = domainFor(values, type, 0.1);
  const data = observations.map((one) => ({
    round: one.round,
    arm: encoding.labelOf(one.arm),
    value: one.value ?? domain[0],
    state: one.state,
    tip: one.tip,
  }));
  const rounds = Math.max(...observations.map((one) => one.round));
  const void1 = data.filter((one) => one.state === 'void');
  const lost = data.filter((one) => one.state === 'no value');
  return {
    title: `Every trial, round by round`,
    caption:
      'A line that climbs, falls or jumps is drift of the machine, the same in every box when rounds are fair.' +
      (void1.length > 0 ? ' Hollow marks are void and not used.' : '') +
      (lost.length > 0 ? ' A cross at the foot is a trial without a value.' : ''),
    alt: `Scatter of ${metric.title} by round and arm. The values stand in the raw trials.`,
    spec: (width) => ({
      data: { values: data },
      width: width - 62,
      height: 170,
      encoding: {
        x: {
          field: 'round',
          type: 'quantitative',
          title: 'round',
          scale: { domain: [0.5, rounds + 0.5], nice: false, zero: false },
          axis: { tickMinStep: 1, tickCount: Math.min(rounds, 10), format: 'd', grid: false },
        },
        y: {
          field: 'value',
          type: 'quantitative',
          title: chartLabel(metric.unit),
          scale: { ...scaleOf(type, domain), clamp: true },
          axis:
            type === 'log' ? { values: logTicks(domain, 6), format: '~s' } : { tickCount: 5, format: '~s' },
        },
        color: {
          field: 'arm',
          type: 'nominal',
          scale: encoding.colourScale(arms),
          legend: null,
        },
      },
      layer: [
        {
          transform: [{ filter: "datum.state === 'valid'" }],
          mark: { type: 'line', strokeWidth: 1, opacity: 0.55 },
        },
        {
          transform: [{ filter: "datum.state === 'valid'" }],
          mark: { type: 'point', filled: true, size: 34, opacity: 1, aria: true },
          encoding: {
            shape: { field: 'arm', type: 'nominal', scale: encoding.shapeScale(arms), legend: null },
            description: { field: 'tip' },
          },
        },
        {
          transform: [{ filter: "datum.state === 'void'" }],
          mark: { type: 'point', filled: false, size: 34, opacity: 1, strokeWidth: 1.3, aria: true },
          encoding: {
            shape: { field: 'arm', type: 'nominal', scale: encoding.shapeScale(arms), legend: null },
            description: { field: 'tip' },
          },
        },
        {
          transform: [{ filter: "datum.state === 'no value'" }],
          mark: { type: 'text', text: '×', fontSize: 18, fontWeight: 'bold', baseline: 'middle', aria: true },
          encoding: { color: { value: alarm }, description: { field: 'tip' } },
        },
      ],
    }),
  };
});
