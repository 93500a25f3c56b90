import { GATE_LOOKS, GATE_TOLERANCE } from '../../../results/statistics/defaults.ts';
import { decideGate, type GateAnswer } from '../../../results/statistics/gate-decision.ts';
import { seeded, type Random } from '../../../results/statistics/random.ts';
import { shareClaim, type Claim } from './claim.ts';
import { noiseModels, pairedDifferences, type NoiseModel } from './noise-model.ts';

const METRICS = 40;
const spikes = noiseModels.find(({ name }) => name.startsWith('spikes')) as NoiseModel;

/** One gate of `metrics` metrics, the first `changed` of them worse by `effect` (ln): all looks, as the product takes them. */
function gateOnce(
  model: NoiseModel,
  setting: { metrics: number; changed: number; effect: number; trialSd: number },
  random: Random,
): { answer: GateAnswer; rounds: number } {
  const most = GATE_LOOKS.at(-1) ?? 0;
  const all = Array.from({ length: setting.metrics }, (_, i) =>
    pairedDifferences(model, most, setting.trialSd, i < setting.changed ? setting.effect : 0, random),
  );
  for (const rounds of GATE_LOOKS) {
    const { answer } = decideGate(
      all.map((differences, i) => ({
        name: `m${i}`,
        tolerance: GATE_TOLERANCE,
        differences: differences.slice(0, rounds),
        problem: null,
      })),
      { looks: GATE_LOOKS.length },
    );
    if (answer !== 'inconclusive') return { answer, rounds };
  }
  return { answer: 'inconclusive', rounds: most };
}

function count(runs: number, seed: string, wanted: GateAnswer, once: (random: Random) => GateAnswer): number {
  const random = seeded(seed);
  let found = 0;
  for (let run = 0; run < runs; run++) if (once(random) === wanted) found++;
  return found;
}

/** STATISTICS 10, line 3: nothing changed, and yet the gate fails. */
export function gateFalseAlarms(model: NoiseModel, runs: number): Claim {
  const setting = { metrics: METRICS, changed: 0, effect: 0, trialSd: 0.03 / Math.SQRT2 };
  const failed = count(
    runs,
    `alarm ${model.name}`,
    'fail',
    (random) => gateOnce(model, setting, random).answer,
  );
  return shareClaim(
    `gate fails although nothing changed, ${METRICS} metrics, ${model.name}`,
    { to: 0.01 },
    failed,
    runs,
  );
}

/** Line 4: one of 40 metrics got 5 % worse, paired sd 3 % before spikes. */
export function gateFinds(runs: number): Claim {
  const setting = { metrics: METRICS, changed: 1, effect: Math.log(1.05), trialSd: 0.03 / Math.SQRT2 };
  const failed = count(runs, 'finds', 'fail', (random) => gateOnce(spikes, setting, random).answer);
  return shareClaim(
    `gate finds 5 % in one of ${METRICS} metrics within ${GATE_LOOKS.at(-1)} rounds, paired sd 3 %, with spikes`,
    { from: 0.95 },
    failed,
    runs,
  );
}

/** Line 5: worse by 1.5 δ, and declared passed. One metric only, so that nothing else can hold the pass back. */
export function gateWrongPasses(pairedSd: number, runs: number): Claim {
  const effect = Math.log1p(1.5 * GATE_TOLERANCE);
  const setting = { metrics: 1, changed: 1, effect, trialSd: pairedSd / Math.SQRT2 };
  const passed = count(
    runs,
    `wrong ${pairedSd}`,
    'pass',
    (random) => gateOnce(spikes, setting, random).answer,
  );
  return shareClaim(
    `gate passes a metric that is 1.5 δ worse, paired sd ${100 * pairedSd} %, with spikes`,
    { to: 0.005 },
    passed,
    runs,
  );
}
