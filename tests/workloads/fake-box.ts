import type { Box, BoxResult, Session } from '../../workloads/contract.ts';
import type { ToolOutput } from '../../workloads/tool-output.ts';

/** A scripted answer: what a command prints, by the words that it must contain. */
export interface Scripted {
  when: string;
  answer: Partial<ToolOutput>;
}

/** A box that runs nothing: answers from a script, and keeps every command with its folder, in order. */
export class FakeBox implements Box {
  readonly done: string[] = [];
  readonly logged: string[] = [];
  readonly dataDir = '/data';
  serverWords = '';
  stops = 0;

  constructor(private readonly script: Scripted[]) {}

  readonly network = {
    address: '198.18.0.2',
    path: 'fake',
    peer: {
      address: '198.18.0.1',
      spawn: (argv: string[]) => {
        this.done.push(`peer: ${argv.join(' ')}`);
        return Promise.resolve({
          pid: 1,
          output: () => this.serverWords,
          stop: () => {
            this.stops++;
            this.done.push('peer: stop');
            return Promise.resolve();
          },
        });
      },
    },
  };

  exec(argv: string[], options: { cwd?: string } = {}): Promise<BoxResult> {
    const command = argv.join(' ');
    this.done.push(options.cwd === undefined ? command : `${options.cwd}: ${command}`);
    const found = this.script.find(({ when }) => command.includes(when));
    const answer: ToolOutput = {
      exitCode: found ? 0 : 127,
      signal: null,
      stdout: '',
      stderr: found ? '' : `${argv[0]}: not found`,
      timedOut: false,
      ...found?.answer,
    };
    return Promise.resolve({ ...answer, wallNs: 1 });
  }

  session<Options>(options: Options, signal: AbortSignal = new AbortController().signal): Session<Options> {
    return { box: this, options, signal, timeoutMs: 60_000, log: (text) => void this.logged.push(text) };
  }
}
