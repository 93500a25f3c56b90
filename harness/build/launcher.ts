import { ensureLauncher } from '../../runtimes/launch/ensure-launcher.ts';
import { machinePaths } from '../run/paths.ts';

/** `npm run build:launcher`: compiles the launcher into the machine's cache and prints where it is. */
console.log(await ensureLauncher(machinePaths().cacheDir));
