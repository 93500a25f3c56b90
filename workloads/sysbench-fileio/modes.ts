/** sysbench's names for what is done to the files, with ours and with what each one does. */
export const fileModes = {
  rndrw: { title: 'random read/write', reads: true, writes: true },
  rndrd: { title: 'random read', reads: true, writes: false },
  rndwr: { title: 'random write', reads: false, writes: true },
  seqrd: { title: 'sequential read', reads: true, writes: false },
  seqwr: { title: 'sequential write', reads: false, writes: true },
  seqrewr: { title: 'sequential rewrite', reads: false, writes: true },
} as const;

export type FileMode = keyof typeof fileModes;
export const fileModeNames = Object.keys(fileModes) as [FileMode, ...FileMode[]];
