/** A container and the unpacked layers it stands on, whether it runs or not. */
export interface ContainerUse {
  owner: string;
  layers: readonly string[];
}

/**
 * What the containers of this machine's user stand on, from their own records: nothing has to be undone when a container goes,
 * and a container whose maker was killed counts as long as its record is there.
 */
export async function containerUses(): Promise<ContainerUse[]> {
  // Loaded when asked: the runtime is no part of what keeps images.
  const { listRecords } = await import('../../lifecycle/record.ts');
  return listRecords().map(({ name, request }) => ({ owner: name, layers: request.layers }));
}
