import { heredocsOf, takeHeredocs, type Heredoc } from './heredoc.ts';
import { dockerfileError } from './problem.ts';

/** One instruction's text, its continuation lines joined. */
export interface LogicalLine {
  /** Of its first line, from 1. */
  line: number;
  text: string;
  /** The here-documents that follow it. */
  heredocs: Heredoc[];
}

export interface SourceLines {
  lines: LogicalLine[];
  /** The character that continues lines and quotes characters: `\`, or what `# escape=` says. */
  escape: string;
}

const DIRECTIVE = /^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$/;
/** `check` configures Docker's linter; `syntax` names a frontend image: the language we read is the built-in one. */
const DIRECTIVES = ['escape', 'syntax', 'check'];

/** Reads directives, drops comments and joins continued lines (Dockerfile reference, "Format", "Parser directives"). */
export function readSourceLines(text: string, file: string): SourceLines {
  const physical = text.replace(/^\ufeff/, '').split(/\r?\n/);
  let escape = '\\';
  let at = 0;
  const seen = new Set<string>();
  for (; at < physical.length; at++) {
    const match = DIRECTIVE.exec(physical[at] ?? '');
    const name = match?.[1]?.toLowerCase();
    if (!match || name === undefined || !DIRECTIVES.includes(name)) break;
    const place = { file, line: at + 1 };
    if (seen.has(name)) throw dockerfileError(place, `the directive '${name}' is given twice`);
    seen.add(name);
    if (name !== 'escape') continue;
    const value = match[2] ?? '';
    if (value !== '\\' && value !== '`')
      throw dockerfileError(place, `'${value}' cannot be the escape character`, 'it is \\ or `');
    escape = value;
  }
  const lines: LogicalLine[] = [];
  const continued = new RegExp(`\\${escape}[ \\t]*$`);
  for (; at < physical.length; at++) {
    const first = at;
    let joined = '';
    for (; at < physical.length; at++) {
      const each = physical[at] ?? '';
      // Comments and blank lines inside an instruction are left out, and do not end it.
      if (/^\s*#/.test(each) || (at > first && each.trim() === '')) {
        if (at === first) break;
        continue;
      }
      if (!continued.test(each)) {
        joined += each;
        break;
      }
      joined += each.replace(continued, '');
    }
    const instruction = joined.trim();
    if (instruction === '') continue;
    const place = { file, line: first + 1 };
    const { heredocs, taken } = takeHeredocs(heredocsOf(instruction), physical.slice(at + 1), place);
    at += taken;
    lines.push({ line: first + 1, text: instruction, heredocs });
  }
  return { lines, escape };
}
