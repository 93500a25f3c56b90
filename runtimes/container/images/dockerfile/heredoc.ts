import { dockerfileError, type Place } from './problem.ts';

/** A here-document of RUN, COPY or ADD (Dockerfile reference, "Here-Documents"). */
export interface Heredoc {
  name: string;
  /** Variables in it are expanded: its name stood without quotes. COPY and ADD heed it; in RUN the shell does it. */
  expanded: boolean;
  /** `<<-`: leading tabs are no part of it. */
  stripped: boolean;
  /** As written, lines ended by '\n'. */
  content: string;
}

const MARK = /(^|[\s\d])<<(-?)(?:"([A-Za-z_][\w.]*)"|'([A-Za-z_][\w.]*)'|([A-Za-z_][\w.]*))(?=$|[\s;|&>)])/g;
const WITH_HEREDOCS = /^(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s+(?!.*(?:^|\s)\[")/i;

/** The here-documents that an instruction's line announces, without their content. Pure. */
export function heredocsOf(text: string): Omit<Heredoc, 'content'>[] {
  if (!WITH_HEREDOCS.test(text)) return [];
  return [...text.matchAll(MARK)].map(([, , dash, double, single, bare]) => ({
    name: double ?? single ?? bare ?? '',
    expanded: bare !== undefined,
    stripped: dash === '-',
  }));
}

/** Takes the announced here-documents from the lines that follow. @returns them, and how many lines they took. */
export function takeHeredocs(
  announced: readonly Omit<Heredoc, 'content'>[],
  lines: readonly string[],
  place: Place,
): { heredocs: Heredoc[]; taken: number } {
  let taken = 0;
  const heredocs = announced.map((each): Heredoc => {
    const content: string[] = [];
    for (;;) {
      const line = lines[taken];
      if (line === undefined)
        throw dockerfileError(
          place,
          `the here-document ${each.name} is not ended`,
          `end it by a line ${each.name}`,
        );
      taken++;
      const plain = each.stripped ? line.replace(/^\t+/, '') : line;
      if (plain === each.name) return { ...each, content: content.map((one) => `${one}\n`).join('') };
      content.push(line);
    }
  });
  return { heredocs, taken };
}

/** The text of a here-document as a file's content. */
export function heredocText({ stripped, content }: Heredoc): string {
  return stripped ? content.replace(/^\t+/gm, '') : content;
}

/** A word of COPY or ADD that stands for a here-document. */
export function heredocNamed(word: string, heredocs: readonly Heredoc[]): Heredoc | undefined {
  const name = /^<<-?["']?([A-Za-z_][\w.]*)["']?$/.exec(word)?.[1];
  return name === undefined ? undefined : heredocs.find((each) => each.name === name);
}
