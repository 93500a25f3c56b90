import { readFileSync } from 'node:fs';
import { hostPath, type LayerStack } from '../layer/lower-view.ts';
import { dockerfileError, type Place } from '../dockerfile/problem.ts';
import { resolveInside } from './image-path.ts';

export interface Owner {
  uid: number;
  gid: number;
}

const ID = /^(?:0|[1-9][0-9]{0,9})$/;
const MAX_ID = 2 ** 32 - 2;

/**
 * `--chown=user[:group]`: numbers as they are, names from the image's own passwd and group. A user given without group takes
 * its own primary group by name, and the same number when it is a number (as Docker).
 */
export function parseOwner(text: string, image: LayerStack, place: Place): Owner {
  const [user = '', group, ...rest] = text.split(':');
  if (user === '' || group === '' || rest.length > 0)
    throw dockerfileError(place, `'${text}' is no owner`, 'it is user, user:group or numbers');
  const entry = ID.test(user) ? undefined : account(image, 'etc/passwd', user);
  if (!ID.test(user) && !entry) throw dockerfileError(place, `the image has no user '${user}'`);
  const uid = Number(entry?.[2] ?? user);
  const gid = group === undefined ? Number(entry?.[3] ?? user) : groupId(image, group, place);
  if (uid > MAX_ID || gid > MAX_ID) throw dockerfileError(place, `'${text}' is no owner`);
  return { uid, gid };
}

function groupId(image: LayerStack, group: string, place: Place): number {
  if (ID.test(group)) return Number(group);
  const entry = account(image, 'etc/group', group);
  if (!entry) throw dockerfileError(place, `the image has no group '${group}'`);
  return Number(entry[2]);
}

/** The fields of a name's line, when it is well formed. */
function account(image: LayerStack, file: string, name: string): string[] | undefined {
  const { path, sight } = resolveInside(image, file);
  const tree = image.provider(path);
  if (sight.type !== 'other' || tree === undefined) return undefined;
  const lines = readFileSync(hostPath(tree, path.join('/')), 'latin1').split('\n');
  const fields = lines.map((line) => line.split(':')).find((each) => each[0] === name);
  if (!fields || !ID.test(fields[2] ?? '')) return undefined;
  return file === 'etc/passwd' && !ID.test(fields[3] ?? '') ? undefined : fields;
}
