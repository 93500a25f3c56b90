import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The tools' own words of one trial; held in memory while the trial is timed, written when it is over. */
export class TrialLog {
  private readonly parts: string[] = [];

  /** Adds one titled piece of text. */
  add(title: string, text: string): void {
    this.parts.push(`--- ${title}\n${text.trimEnd()}\n`);
  }

  /** Writes logs/<trial>/log.txt below the run folder; returns its path relative to the run folder. */
  async write(runFolder: string, trial: string): Promise<string> {
    const relative = join('logs', trial, 'log.txt');
    await mkdir(join(runFolder, 'logs', trial), { recursive: true });
    await writeFile(join(runFolder, relative), this.parts.join(''));
    return relative;
  }
}
