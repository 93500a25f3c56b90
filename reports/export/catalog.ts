import { benchfmt } from './benchfmt.ts';
import { bmf } from './bmf.ts';
import { csv } from './csv.ts';
import type { ExportFormat } from './format.ts';
import { json } from './json.ts';
import { junit } from './junit.ts';
import { markdown } from './markdown.ts';
import { openmetrics } from './openmetrics.ts';
import { parquet } from './parquet.ts';
import { vegaLite } from './vega-lite.ts';

/** Every format of `bench export`, in the order help shows them. */
export const exportFormats: readonly ExportFormat[] = [
  csv,
  json,
  parquet,
  junit,
  markdown,
  benchfmt,
  bmf,
  openmetrics,
  vegaLite,
];
