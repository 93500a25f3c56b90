import { homedir } from 'node:os';
import { ownUid } from '../../rootless/privilege.ts';
import { join } from 'node:path';

/**
 * Where images are kept: /var/lib/tare/images for root, the user's data folder otherwise; TARE_IMAGE_STORE overrides. Not the
 * cache folder: an image that was built here cannot be fetched again.
 */
export function machineStoreRoot(env: NodeJS.ProcessEnv = process.env, uid: number = ownUid()): string {
  if (env.TARE_IMAGE_STORE) return env.TARE_IMAGE_STORE;
  if (uid === 0) return '/var/lib/tare/images';
  return join(env.XDG_DATA_HOME ?? join(env.HOME ?? homedir(), '.local', 'share'), 'tare', 'images');
}
