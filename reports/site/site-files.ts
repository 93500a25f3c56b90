import { renderPage, contentSecurityPolicy } from '../page/render-page.ts';
import { TemplateFolder } from '../page/template.ts';
import { draw } from '../charts/picture.ts';
import { trendPicture } from '../charts/trend.ts';
import { costWords } from '../words/cost.ts';
import { EMULATED, printable } from '../words/names.ts';
import { packagePath, packageVersion } from '../../results/package-root.ts';
import { verdictWords } from '../words/verdict.ts';
import { readFileSync } from 'node:fs';
import { badge } from './badge.ts';
import { comparePage, runPairs } from './compare.ts';
import type { PublishedRun } from './published-run.ts';
import { trendSeries, type TrendSeries } from './series.ts';

/** A file of the site: its path below the site's folder, and what makes its content when it is needed. */
export interface SiteFile {
  path: string;
  content(): string | Promise<string>;
  /** Changes when the content would; null: compare the content itself. */
  source: string | null;
}

/** Every file of the site for these runs (oldest first). Links are relative, so that it works from a folder and below any address. */
export function siteFiles(runs: readonly PublishedRun[], siteUrl: string | null): SiteFile[] {
  const templates = new TemplateFolder(['reports', 'site', 'templates'], ['reports', 'page', 'templates']);
  const style = readFileSync(packagePath('reports', 'page', 'page.css'), 'utf8');
  const csp = contentSecurityPolicy(style, null);
  const series = trendSeries(runs);
  const pairs = runPairs(runs);
  const page = (template: string, model: object): string =>
    templates.render(template, { csp, style, version: packageVersion(), ...model });
  const newestFirst = [...runs].reverse();
  const updated = newestFirst[0]?.plan.createdAt ?? '1970-01-01T00:00:00.000Z';
  const files: SiteFile[] = [
    {
      path: 'index.html',
      source: null,
      content: () =>
        page('index', {
          runs: newestFirst.map(runLine),
          series: series.map((one) => ({
            slug: one.slug,
            title: one.title,
            runs: String(one.points.length),
            tag: one.emulated ? EMULATED : null,
            ...latest(one),
            changes: one.changes.length === 0 ? 'none' : String(one.changes.length),
          })),
          pairs: [...pairs].reverse().map((pair) => ({
            slug: pair.slug,
            before: printable(pair.before.plan.runId, 80),
            after: printable(pair.after.plan.runId, 80),
          })),
          hasPairs: pairs.length > 0,
        }),
    },
    ...runs.map((run): SiteFile => ({
      path: `runs/${run.slug}/index.html`,
      source: run.source,
      content: () => renderPage(run),
    })),
    ...series.map((one): SiteFile => ({
      path: `trends/${one.slug}.html`,
      source: null,
      content: () => trendPage(one, page),
    })),
    ...series.map((one): SiteFile => ({
      path: `badges/${one.slug}.svg`,
      source: null,
      content: () => badgeOf(one, templates),
    })),
    ...pairs.map((pair): SiteFile => ({
      path: `compare/${pair.slug}.html`,
      source: null,
      content: () =>
        page('compare', { before: runLine(pair.before), after: runLine(pair.after), ...comparePage(pair) }),
    })),
    { path: 'index.json', source: null, content: () => indexJson(newestFirst, series) },
    {
      path: 'feed.xml',
      source: null,
      content: () =>
        templates.render('feed', {
          updated,
          url: siteUrl,
          id: siteUrl ?? `urn:sha256:${runs[0]?.source ?? ''}`,
          runs: newestFirst.map(runLine),
        }),
    },
  ];
  if (siteUrl === null) return files;
  const pages = files.map(({ path }) => path).filter((path) => path.endsWith('.html'));
  return [
    ...files,
    {
      path: 'sitemap.xml',
      source: null,
      content: () =>
        templates.render('sitemap', {
          urls: pages.map((path) => siteUrl + path.replace(/(^|\/)index\.html$/, '$1')),
        }),
    },
  ];
}

function runLine(run: PublishedRun) {
  const { plan, summary, slug, source } = run;
  return {
    slug,
    source,
    title: printable(plan.title, 160),
    runId: printable(plan.runId, 80),
    name: printable(plan.name, 80),
    date: plan.createdAt.slice(0, 10),
    created: plan.createdAt,
    completed: `${summary.counts.completed} of ${summary.counts.planned}`,
    rounds: String(plan.rounds),
    machine: printable(String(run.host?.before.system.cpuModel ?? 'not known'), 120),
    emulated: plan.arms.some((arm) => arm.emulated) ? EMULATED : null,
  };
}

function latest({ points }: TrendSeries) {
  const { comparison } = points.at(-1)!;
  const words = costWords(comparison);
  const verdict = verdictWords(comparison.verdict);
  return {
    cost: words?.signed ?? '–',
    interval: words?.interval ?? '',
    sign: verdict.sign,
    word: verdict.word,
  };
}

async function trendPage(
  series: TrendSeries,
  page: (template: string, model: object) => string,
): Promise<string> {
  const picture = trendPicture(
    series.points.map(({ run, comparison }) => ({
      label: run.plan.runId,
      cost: comparison.overhead,
      low: comparison.interval?.low ?? null,
      high: comparison.interval?.high ?? null,
    })),
    series.changes.map((change) => change.index),
    series.margin,
  );
  const ratio = (ln: number): number => Math.exp(ln);
  return page('trend', {
    title: series.title,
    tag: series.emulated ? EMULATED : null,
    slug: series.slug,
    picture: picture ? { ...(await draw(picture)), anchor: picture.id } : null,
    enough: series.points.length >= FEWEST_FOR_CHANGES,
    changes: series.changes.map((change) => {
      const words = costWords({
        overhead: ratio(change.shift),
        interval: {
          low: ratio(change.interval.low),
          high: ratio(change.interval.high),
          level: change.interval.level,
        },
      });
      return {
        run: printable(series.points[change.index]?.run.plan.runId ?? '', 80),
        slug: series.points[change.index]?.run.slug ?? '',
        by: [words?.signed, words?.interval].filter(Boolean).join(' '),
        p: change.p < 0.001 ? 'below 0.001' : change.p.toFixed(3),
      };
    }),
    rows: [...series.points].reverse().map(({ run, comparison }, i) => {
      const words = costWords(comparison);
      const verdict = verdictWords(comparison.verdict);
      return {
        number: String(series.points.length - i),
        ...runLine(run),
        cost: words?.signed ?? '–',
        interval: words?.interval ?? '',
        sign: verdict.sign,
        word: verdict.word,
        n: String(comparison.n),
      };
    }),
  });
}

/** results/statistics looks for changes with at least five points on each side (STATISTICS 7). */
const FEWEST_FOR_CHANGES = 10;

function badgeOf(series: TrendSeries, templates: TemplateFolder): string {
  const { cost, sign } = latest(series);
  return templates.render(
    'badge',
    badge(series.title, `${sign} ${cost}${series.emulated ? ` ${EMULATED}` : ''}`),
  );
}

/** index.json: what there is and the latest number of each series, for programs. */
function indexJson(newestFirst: readonly PublishedRun[], series: readonly TrendSeries[]): string {
  return (
    JSON.stringify(
      {
        schema: 'tare.site/1',
        runs: newestFirst.map((run) => ({
          id: run.plan.runId,
          name: run.plan.name,
          title: run.plan.title,
          createdAt: run.plan.createdAt,
          page: `runs/${run.slug}/index.html`,
          source: run.source,
          counts: run.summary.counts,
        })),
        series: series.map((one) => ({
          title: one.title,
          emulated: one.emulated,
          page: `trends/${one.slug}.html`,
          badge: `badges/${one.slug}.svg`,
          points: one.points.map(({ run, comparison }) => ({
            run: run.plan.runId,
            overhead: comparison.overhead,
            low: comparison.interval?.low ?? null,
            high: comparison.interval?.high ?? null,
            verdict: comparison.verdict,
          })),
          changes: one.changes,
        })),
      },
      null,
      1,
    ) + '\n'
  );
}
