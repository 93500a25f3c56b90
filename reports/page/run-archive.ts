import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { RUN_FILES } from '../../results/store/run-folder.ts';
import { defaults } from '../defaults.ts';
import { bytes } from '../words/number.ts';
import type { ReportRun } from './report-run.ts';
import { tar } from './tar.ts';

/** The run itself, inside its page: a folder that `bench report` turns into the same page again. */
export interface RunArchive {
  fileName: string;
  folder: string;
  /** A data: address for a plain download link, which needs no script; null when the data is too large for the page. */
  href: string | null;
  size: string;
  trialsSha256: string;
}

export function runArchive({ plan, host, trials, matrixText }: ReportRun): RunArchive {
  const folder = `${
    plan.runId
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[.-]+/, '')
      .slice(0, 60) || 'run'
  }`;
  const hash = createHash('sha256');
  const lines: Buffer[] = [];
  let length = 0;
  const embeds = trials.length <= MAX_EMBEDDED_TRIALS;
  for (const trial of trials) {
    const line = Buffer.from(JSON.stringify(trial) + '\n');
    hash.update(line);
    length += line.length;
    if (embeds) lines.push(line);
  }
  const frame = { fileName: `${folder}.tar.gz`, folder, trialsSha256: hash.digest('hex') };
  if (!embeds) return { ...frame, href: null, size: bytes(length) };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value, null, 2) + '\n');
  const packed = gzipSync(
    tar([
      { path: `${folder}/${RUN_FILES.plan}`, bytes: json(plan) },
      ...(host === null ? [] : [{ path: `${folder}/${RUN_FILES.host}`, bytes: json(host) }]),
      ...(matrixText === ''
        ? []
        : [{ path: `${folder}/${RUN_FILES.matrix}`, bytes: Buffer.from(matrixText) }]),
      { path: `${folder}/${RUN_FILES.trials}`, bytes: Buffer.concat(lines) },
    ]),
    { level: 9 },
  );
  // RFC 1952: byte 9 names the operating system that packed it; 255 is "unknown", so that all systems give the same bytes.
  packed[9] = 255;
  const base64 = packed.toString('base64');
  return {
    ...frame,
    href: base64.length > defaults.maxEmbeddedBytes ? null : `data:application/gzip;base64,${base64}`,
    size: bytes(packed.length),
  };
}

/** A trial packs to 60 bytes and more: above this many there is no use in trying. */
const MAX_EMBEDDED_TRIALS = 25_000;
