import * as z from 'zod';
import { counted, secondsOption } from '../common-options.ts';
import type { Workload } from '../contract.ts';
import { defaults, serverPorts } from '../defaults.ts';
import { startServer, stopServer } from '../network/peer-server.ts';
import { toSamples } from '../samples.ts';
import { execute } from '../execute.ts';
import { rawWords } from '../tool-output.ts';
import { parseIperf } from './parse-iperf.ts';

const optionsSchema = z.strictObject({
  seconds: secondsOption,
  direction: z
    .enum(['send', 'receive'])
    .default(defaults.direction)
    .meta({ description: 'as the instance sees it' }),
  streams: z
    .int()
    .min(1)
    .max(128)
    .default(defaults.streams)
    .meta({ description: 'parallel connections, each on a thread of its own' }),
});
export type IperfOptions = z.infer<typeof optionsSchema>;

const metrics = [
  {
    name: 'throughput',
    unit: 'Mbit/s',
    better: 'higher' as const,
    title: 'data per second, as the client counts it',
    primary: true,
  },
];

/**
 * iperf2 over TCP: a thread per stream, where iperf3 before 3.16 has one for all. UDP is left to iperf3: with `-y C` the
 * server of iperf 2.1.8 dies on the client's first report, and only the sender's count is left.
 */
export const iperf: Workload<IperfOptions> = {
  id: 'iperf',
  summary: "Network: TCP throughput to the host's side, a thread per stream (iperf 2)",
  optionsSchema,
  describe: ({ seconds, direction, streams }) => ({
    label: `Network (iperf 2), TCP, ${direction === 'send' ? 'instance to host' : 'host to instance'}, ${counted(streams, 'stream')}`,
    metrics,
    seconds,
    tools: ['iperf'],
    network: true,
    diskMiB: 0,
    caveats: direction === 'send' ? ["sender's count"] : [],
  }),
  async setup(session) {
    await startServer(session, ['iperf', '-s', '-p', String(serverPorts.iperf)], /Server listening on/);
  },
  async run(session) {
    const { seconds, direction, streams } = session.options;
    const output = await execute(session, [
      ...['iperf', '-c', session.box.network.peer.address, '-p', String(serverPorts.iperf)],
      ...['-t', String(seconds), '-P', String(streams), '-y', 'C'],
      ...(direction === 'receive' ? ['-R'] : []),
    ]);
    session.log(rawWords(output));
    const report = parseIperf(output, { seconds, streams });
    return {
      samples: toSamples(metrics, { throughput: report.mbitPerSecond }),
      insideSeconds: report.insideSeconds,
      raw: rawWords(output),
    };
  },
  async teardown(session) {
    await stopServer(session);
  },
};
