import { ensureLauncher } from '../../../../../runtimes/launch/ensure-launcher.ts';
import { findOut } from './guest-facts.ts';

/** Bundled, shipped into the guest and run there by its own Node: finds out everything and writes it to the named file. */
await findOut(await ensureLauncher('/opt/tare/cache'), process.argv[2] ?? '/data/facts.json');
