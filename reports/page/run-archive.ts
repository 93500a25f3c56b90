import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { RUN_FILES } from '../../results/store/run-folder.ts';
import { defaults } from '../defaults.ts';
import { bytes, count } from '../words/number.ts';
import type { ReportRun } from './report-run.ts';
import { tar } from './tar.ts';

/** The run itself, inside its page: a folder that `bench report` turns into the same page again. */
export interface RunArchive {
  fileName: string;
  folder: string;
  /** A data: address for a plain download link, which needs no script; null when the data is too large for the page. */
  href: string | null;
  size: string;
  /** Of the trials.jsonl inside; null when it is not inside. */
  trialsSha256: string | null;
}

export function runArchive({ plan, host, trials, gate, matrixText }: ReportRun): RunArchive {
  const folder = `${
    plan.runId
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[.-]+/, '')
      .slice(0, 60) || 'run'
  }`;
  const fileName = `${folder}.tar.gz`;
  const tooMany = { fileName, folder, href: null, size: count(trials.length, 'trial'), trialsSha256: null };
  if (trials.length > MAX_EMBEDDED_TRIALS) return tooMany;
  const journal = Buffer.from(trials.map((trial) => JSON.stringify(trial) + '\n').join(''));
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value, null, 2) + '\n');
  const packed = gzipSync(
    tar([
      { path: `${folder}/${RUN_FILES.plan}`, bytes: json(plan) },
      ...(host === null ? [] : [{ path: `${folder}/${RUN_FILES.host}`, bytes: json(host) }]),
      ...(matrixText === ''
        ? []
        : [{ path: `${folder}/${RUN_FILES.matrix}`, bytes: Buffer.from(matrixText) }]),
      ...(gate ? [{ path: `${folder}/${RUN_FILES.gate}`, bytes: json(gate) }] : []),
      { path: `${folder}/${RUN_FILES.trials}`, bytes: journal },
    ]),
    { level: 9 },
  );
  // RFC 1952: byte 9 names the operating system that packed it; 255 is "unknown", so that all systems give the same bytes.
  packed[9] = 255;
  const base64 = packed.toString('base64');
  if (base64.length > defaults.maxEmbeddedBytes) return tooMany;
  return {
    fileName,
    folder,
    href: `data:application/gzip;base64,${base64}`,
    size: bytes(packed.length),
    trialsSha256: createHash('sha256').update(journal).digest('hex'),
  };
}

/** A trial packs to 60 bytes and more: above this many there is no use in trying. */
const MAX_EMBEDDED_TRIALS = 25_000;
