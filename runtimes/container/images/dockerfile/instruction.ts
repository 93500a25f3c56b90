import type { Healthcheck } from '../format/config.ts';
import type { Heredoc } from './heredoc.ts';
import type { RunMount } from './run-mount.ts';

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
    | {
        name: 'RUN';
        command: CommandForm;
        network: 'none' | 'host' | 'default';
        mounts: RunMount[];
        /** The command's standard input and the like; alone they are the script. */
        heredocs: Heredoc[];
      }
    | { name: 'CMD' | 'ENTRYPOINT'; command: CommandForm }
    | {
        name: 'COPY' | 'ADD';
        sources: string[];
        target: string;
        from?: string;
        chown?: string;
        chmod?: string;
        /** Files that stand in the Dockerfile itself; further sources. */
        heredocs: Heredoc[];
        /** The layer does not depend on the ones below: links in the destination are not followed. */
        link: boolean;
        /** Patterns of what a source leaves behind. */
        exclude: string[];
        /** Sources keep their folders below the destination. */
        parents: boolean;
        /** ADD of a URL: what it must hash to. */
        checksum?: string;
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
