import type { Metric } from '../../results/record/metric.ts';
import { counted } from '../common-options.ts';
import type { Workload } from '../contract.ts';
import { defaults, serverPorts } from '../defaults.ts';
import { startServer, stopServer } from '../network/peer-server.ts';
import { toSamples } from '../samples.ts';
import { execute } from '../execute.ts';
import { rawWords } from '../tool-output.ts';
import { iperf3OptionsSchema, type Iperf3Options } from './options.ts';
import { parseIperf3 } from './parse-iperf3.ts';

const directions = {
  send: 'instance to host',
  receive: 'host to instance',
  both: 'both directions at once',
} as const;

function metricsOf({ protocol, direction }: Iperf3Options): Metric[] {
  const detail = (name: string, unit: string, better: 'higher' | 'lower', title: string): Metric => ({
    name,
    unit,
    better,
    title,
    primary: false,
  });
  return [
    {
      name: 'throughput',
      unit: 'Mbit/s',
      better: 'higher',
      title: `data received per second, ${directions[direction]}`,
      primary: true,
    },
    ...(direction === 'both'
      ? [
          detail('send_throughput', 'Mbit/s', 'higher', 'instance to host'),
          detail('receive_throughput', 'Mbit/s', 'higher', 'host to instance'),
        ]
      : []),
    ...(protocol === 'tcp'
      ? [detail('retransmits', 'segments', 'lower', 'segments sent again')]
      : [
          detail('lost', '%', 'lower', 'datagrams that never arrived'),
          detail('jitter', 'ms', 'lower', 'unevenness of arrival'),
        ]),
  ];
}

function udpOf(options: Iperf3Options): { mbit: number; bytes: number } {
  return {
    mbit: options.udpMbitPerSecond ?? defaults.udpMbitPerSecond,
    bytes: options.datagramBytes ?? defaults.datagramBytes,
  };
}

function command(options: Iperf3Options, peer: string): string[] {
  const { seconds, direction, streams, protocol, omitSeconds } = options;
  const udp = udpOf(options);
  return [
    ...['iperf3', '-c', peer, '-p', String(serverPorts.iperf3), '-J'],
    ...['-t', String(seconds), '-P', String(streams), '-O', String(omitSeconds)],
    ...(direction === 'receive' ? ['-R'] : direction === 'both' ? ['--bidir'] : []),
    // Without -b it sends UDP at 1 Mbit/s, without -l as large as the path's segments: both differ between arms.
    ...(protocol === 'udp' ? ['-u', '-b', String(Math.round(udp.mbit * 1e6)), '-l', String(udp.bytes)] : []),
  ];
}

/** Bytes through the instance's own network to the host's side of it. */
export const iperf3: Workload<Iperf3Options> = {
  id: 'iperf3',
  summary: "Network: throughput to the host's side of the instance's network (iperf3)",
  optionsSchema: iperf3OptionsSchema,
  describe: (options) => {
    const { seconds, direction, streams, protocol, omitSeconds } = options;
    const udp = udpOf(options);
    const paced = protocol === 'udp' ? ` at ${udp.mbit} Mbit/s, ${udp.bytes} B` : '';
    return {
      label: `Network, ${protocol.toUpperCase()}${paced}, ${directions[direction]}, ${counted(streams, 'stream')}`,
      metrics: metricsOf(options),
      seconds: seconds + omitSeconds,
      tools: ['iperf3'],
      network: true,
      diskMiB: 0,
      caveats: protocol === 'udp' ? [`paced at ${udp.mbit} Mbit/s per stream`] : [],
    };
  },
  async setup(session) {
    const server = ['iperf3', '-s', '-p', String(serverPorts.iperf3), '--forceflush'];
    await startServer(session, server, /Server listening on/);
  },
  async run(session) {
    const { options } = session;
    const output = await execute(session, command(options, session.box.network.peer.address));
    session.log(rawWords(output));
    const report = parseIperf3(output, options);
    const values: Record<string, number | null> = { throughput: report.mbitPerSecond };
    if (options.direction === 'both') {
      values['send_throughput'] = report.sendMbitPerSecond;
      values['receive_throughput'] = report.receiveMbitPerSecond;
    }
    if (options.protocol === 'tcp') values['retransmits'] = report.retransmits;
    else {
      values['lost'] = report.lostPercent;
      values['jitter'] = report.jitterMs;
    }
    return {
      samples: toSamples(metricsOf(options), values),
      insideSeconds: report.insideSeconds,
      raw: rawWords(output),
    };
  },
  async teardown(session) {
    await stopServer(session);
  },
};
