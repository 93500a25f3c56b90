import type { OciVerb } from './oci-verb.ts';

/** state: asked by every engine, again and again. */
export const STATE: OciVerb = {
  usage: 'state <id>',
  description: 'print the state of a container as JSON',
  example: 'state web',
  async act({ root, words: [id], out }) {
    const { currentStatus, publicState } = await import('../../../runtimes/container/oci/status.ts');
    const state = root.read(id);
    out(JSON.stringify(publicState(state, currentStatus(root, state)), null, 2));
  },
};
