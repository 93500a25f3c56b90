import type { Command } from 'commander';
import type { Catalog } from '../catalog.ts';
import type { Paths } from '../run/paths.ts';
import type { Terminal } from './terminal.ts';

/** What every verb is given. */
export interface VerbContext {
  terminal: Terminal;
  catalog: Catalog;
  paths: Paths;
  /** Aborted on SIGINT, SIGTERM and SIGHUP. */
  signal: AbortSignal;
  /** The exit code of the process, when it is not 0; errors set it by themselves. */
  exit(code: number): void;
}

/** One file per verb: adds its command, and when called parses, calls one function, prints. */
export type Verb = (program: Command, context: VerbContext) => void;
