import type { Resources } from '../../../results/record/plan.ts';
import type { Installation } from '../place.ts';
import { saveState, stateKey, type SavedState } from './save.ts';

/** Scratch folder and key → the state, while this process lives. A run's states end with its scratch folder. */
const states = new Map<string, Promise<SavedState>>();

/**
 * The run's saved state for these options and resources: booted once, by the first trial that needs it, and shared by
 * arms that differ only in what a guest cannot have seen before its data disk is mounted (qcow2 and raw, say).
 */
export function savedStateFor(installation: Installation, resources: Resources): Promise<SavedState> {
  const key = `${installation.context.scratchDir} ${stateKey(installation, resources)}`;
  const known = states.get(key);
  if (known) return known;
  const made = saveState(installation, resources);
  states.set(key, made);
  // A failed boot is tried again by the next trial instead of failing all of them.
  made.catch(() => states.delete(key));
  return made;
}
