import * as z from 'zod';
import { secondsOption } from '../common-options.ts';
import { defaults } from '../defaults.ts';

export const iperf3OptionsSchema = z
  .strictObject({
    seconds: secondsOption,
    direction: z
      .enum(['send', 'receive', 'both'])
      .default(defaults.direction)
      .meta({ description: 'as the instance sees it; both at once shares one thread in iperf3 before 3.16' }),
    streams: z
      .int()
      .min(1)
      .max(128)
      .default(defaults.streams)
      .meta({ description: 'parallel connections; all on one thread in iperf3 before 3.16' }),
    protocol: z.enum(['tcp', 'udp']).default(defaults.protocol).meta({ description: 'tcp or udp' }),
    omitSeconds: z
      .int()
      .min(0)
      .max(60)
      .default(defaults.omitSeconds)
      .meta({ description: 'seconds left out at the start; they are added to the length' }),
    udpMbitPerSecond: z
      .number()
      .gt(0)
      .max(1_000_000)
      .optional()
      .meta({
        description: `udp only: rate at which each stream is sent, Mbit/s (10⁶ bit/s); ${defaults.udpMbitPerSecond} when not given`,
      }),
    datagramBytes: z
      .int()
      .min(16)
      .max(65_507)
      .optional()
      .meta({
        description: `udp only: bytes of payload per datagram; ${defaults.datagramBytes} when not given`,
      }),
  })
  .superRefine((options, context) => {
    if (options.protocol === 'udp') return;
    for (const key of ['udpMbitPerSecond', 'datagramBytes'] as const)
      if (options[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: 'only with protocol: udp' });
  });
export type Iperf3Options = z.infer<typeof iperf3OptionsSchema>;
