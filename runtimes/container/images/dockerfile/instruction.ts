import type { Healthcheck } from '../format/config.ts';

/** A command in the shell form (one string) or the exec form (a JSON array). */
export type CommandForm = { form: 'shell'; text: string } | { form: 'exec'; argv: string[] };

interface Common {
  line: number;
  /** As written, continuation lines joined. */
  text: string;
}

/** Arguments are as written: variables are not expanded yet, for their values depend on what came before. */
export type Instruction = Common &
  (
    | { name: 'FROM'; image: string; as: string | undefined; platform: string | undefined }
    | { name: 'RUN'; command: CommandForm; network: 'none' | 'host' | 'default' }
    | { name: 'CMD' | 'ENTRYPOINT'; command: CommandForm }
    | {
        name: 'COPY' | 'ADD';
        sources: string[];
        target: string;
        from?: string;
        chown?: string;
        chmod?: string;
      }
    | { name: 'ENV' | 'LABEL'; pairs: [string, string][] }
    | { name: 'ARG'; args: { name: string; default: string | undefined }[] }
    | { name: 'EXPOSE' | 'VOLUME'; words: string[]; exact: boolean }
    | { name: 'WORKDIR' | 'USER' | 'STOPSIGNAL' | 'MAINTAINER'; value: string }
    | { name: 'SHELL'; argv: string[] }
    | { name: 'HEALTHCHECK'; healthcheck: Healthcheck }
    | { name: 'ONBUILD'; trigger: string }
  );
export type InstructionName = Instruction['name'];

export interface Stage {
  /** `AS name`, lower case. */
  name: string | undefined;
  from: Instruction & { name: 'FROM' };
  steps: Instruction[];
}

export interface Dockerfile {
  file: string;
  escape: string;
  /** ARGs before the first FROM. */
  globals: (Instruction & { name: 'ARG' })[];
  stages: Stage[];
}
