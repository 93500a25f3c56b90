import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { packagePath } from '../../results/package-root.ts';
import type { ReportRun } from './report-run.ts';
import { runArchive } from './run-archive.ts';
import { answerSection } from './sections/answer.ts';
import { boxRows } from './sections/boxes.ts';
import { disturbanceSection, lostRows } from './sections/disturbance.ts';
import { headSection } from './sections/head.ts';
import { machineSection } from './sections/machine.ts';
import { methodSection } from './sections/method.ts';
import { publishedRows } from './sections/published.ts';
import { armKey, isDetailed, overviewPictures, workSections } from './sections/work.ts';
import { TemplateFolder } from './template.ts';
import { printable } from '../words/names.ts';

let templates: TemplateFolder | undefined;

/**
 * report.html: one file that opens anywhere, asks for nothing, and says the answer first. Pure but for reading its own
 * templates: the same run gives the same bytes. Rejects with BenchError `unsafe-markup` or `chart` on a defect of ours only.
 */
export async function renderPage(run: ReportRun): Promise<string> {
  templates ??= new TemplateFolder(['reports', 'page', 'templates']);
  const style = readFileSync(packagePath('reports', 'page', 'page.css'), 'utf8');
  const script = readFileSync(packagePath('reports', 'page', 'page.js'), 'utf8');
  const pictures = await overviewPictures(run);
  const published = publishedRows(run);
  return templates.render('page', {
    csp: contentSecurityPolicy(style, script),
    style,
    script,
    head: headSection(run),
    answer: answerSection(run),
    key: await armKey(run),
    pictures,
    work: await workSections(run),
    detailed: isDetailed(run),
    boxes: boxRows(run),
    published,
    hasPublished: published.length > 0,
    machine: machineSection(run),
    disturbance: disturbanceSection(run),
    lost: lostRows(run),
    method: methodSection(run),
    matrixText: printable(run.matrixText, 20_000),
    archive: runArchive(run),
  });
}

/** Nothing may be fetched, framed or submitted; only this very style sheet and this very script (or none) are obeyed (CSP 3, hashes). */
export function contentSecurityPolicy(style: string, script: string | null): string {
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `style-src ${hash(style)}`,
    ...(script === null ? [] : [`script-src ${hash(script)}`]),
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}
