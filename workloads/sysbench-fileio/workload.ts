import type { Metric } from '../../results/record/metric.ts';
import { counted } from '../common-options.ts';
import type { Session, Workload } from '../contract.ts';
import { toSamples } from '../samples.ts';
import { parseSize, printSize } from '../size.ts';
import { execute } from '../execute.ts';
import { latencyMetrics, timedCommand } from '../sysbench/command.ts';
import { rawWords, refuseBadExit, notAMeasurement } from '../tool-output.ts';
import { fileModes } from './modes.ts';
import { fileioOptionsSchema, type FileioOptions } from './options.ts';
import { checkAllocated, parseFileio, parsePrepare } from './parse-fileio.ts';

/** Room for file-system metadata and for blocks that a copying disk format writes again. */
const DISK_SLACK_MIB = 32;

function metricsOf({ mode, fsync }: FileioOptions): Metric[] {
  const { reads, writes } = fileModes[mode];
  const rate = (name: string, unit: string, title: string, primary = false): Metric => ({
    name,
    unit,
    better: 'higher',
    title,
    primary,
  });
  return [
    rate('throughput', 'MiB/s', `${fileModes[mode].title}: data per second`, true),
    ...(reads ? [rate('reads_per_second', 'reads/s', 'reads per second')] : []),
    ...(writes ? [rate('writes_per_second', 'writes/s', 'writes per second')] : []),
    ...(writes && fsync !== 'never' ? [rate('fsyncs_per_second', 'fsyncs/s', 'fsyncs per second')] : []),
    ...latencyMetrics,
  ];
}

/** What prepare, run and cleanup must agree on. */
function fileSet({ fileSize, files, blockSize }: FileioOptions): string[] {
  return [
    `--file-total-size=${parseSize(fileSize)}`,
    `--file-num=${files}`,
    `--file-block-size=${parseSize(blockSize)}`,
  ];
}

function fileNames({ files }: FileioOptions): string[] {
  return Array.from({ length: files }, (_, index) => `test_file.${index}`);
}

function syncPolicy({ mode, fsync }: FileioOptions): string {
  if (!fileModes[mode].writes) return '';
  return fsync === 'never' ? ', no fsync' : `, fsync every ${fsync}`;
}

async function inDataDir(session: Session<FileioOptions>, argv: string[]) {
  const output = await execute(session, argv, session.box.dataDir);
  session.log(`$ ${argv.join(' ')}\n${rawWords(output)}`);
  return output;
}

/** Requests against files that were written, flushed and found allocated before the clock started. */
export const sysbenchFileio: Workload<FileioOptions> = {
  id: 'sysbench-fileio',
  summary: 'Disk: file requests and bytes per second (sysbench fileio)',
  optionsSchema: fileioOptionsSchema,
  describe: (options) => {
    const { seconds, threads, mode, fileSize, files, blockSize, direct, fsync } = options;
    const fsyncCaveat =
      fileModes[mode].writes && fsync !== 'never' ? [`fsync every ${fsync} requests and at the end`] : [];
    return {
      label:
        `File I/O, ${fileModes[mode].title}, ${printSize(parseSize(blockSize))} of ${printSize(parseSize(fileSize))} in ` +
        `${counted(files, 'file')}, ${direct ? 'direct' : 'cached'}${syncPolicy(options)}` +
        (threads > 1 ? `, ${threads} threads` : ''),
      metrics: metricsOf(options),
      seconds,
      tools: ['sysbench'],
      network: false,
      diskMiB: Math.ceil(parseSize(fileSize) / 1024 ** 2) + DISK_SLACK_MIB,
      caveats: [...(direct ? [] : ['cached']), ...fsyncCaveat],
    };
  },
  async setup(session) {
    const { options } = session;
    const bytes = parseSize(options.fileSize);
    const prepare = await inDataDir(session, ['sysbench', 'fileio', ...fileSet(options), 'prepare']);
    const written = parsePrepare(prepare);
    if (written !== bytes)
      throw notAMeasurement('tool-output', 'sysbench', `wrote ${written} of ${bytes} bytes`, prepare);
    // Else the kernel writes them back in the timed window. Only our files: a bare `sync` waits for the whole host.
    refuseBadExit('sync', await inDataDir(session, ['sync', ...fileNames(options)]));
    const stat = await inDataDir(session, ['stat', '-c', '%s %b %B', ...fileNames(options)]);
    checkAllocated(stat, options.files, bytes);
  },
  async run(session) {
    const { options } = session;
    const { seconds, threads, mode, direct, fsync } = options;
    const argv = timedCommand('fileio', seconds, threads, [
      ...fileSet(options),
      `--file-test-mode=${mode}`,
      '--file-io-mode=sync',
      ...(direct ? ['--file-extra-flags=direct'] : []),
      `--file-fsync-freq=${fsync === 'never' ? 0 : fsync}`,
      `--file-fsync-end=${fsync === 'never' ? 'off' : 'on'}`,
      '--file-fsync-mode=fsync',
    ]);
    const output = await inDataDir(session, argv);
    const blockBytes = parseSize(options.blockSize);
    const report = parseFileio(output, { seconds, mode, blockBytes, fsync });
    const metrics = metricsOf(options);
    const values: Record<string, number | null> = {
      throughput: report.mibPerSecond,
      latency_avg: report.latencyAvgMs,
      latency_p95: report.latencyP95Ms,
    };
    if (report.readsPerSecond !== null) values['reads_per_second'] = report.readsPerSecond;
    if (report.writesPerSecond !== null) values['writes_per_second'] = report.writesPerSecond;
    if (report.fsyncsPerSecond !== null) values['fsyncs_per_second'] = report.fsyncsPerSecond;
    return { samples: toSamples(metrics, values), insideSeconds: report.totalSeconds, raw: rawWords(output) };
  },
  async teardown(session) {
    await inDataDir(session, ['sysbench', 'fileio', `--file-num=${session.options.files}`, 'cleanup']);
  },
};
