import { BenchError } from '../../results/bench-error.ts';
import { forestPictures } from '../charts/forest.ts';
import { config } from '../charts/theme.ts';
import { defaults } from '../defaults.ts';
import type { ExportFormat } from './format.ts';

/** The forest plot as a Vega-Lite specification with its data inside, for one's own figure or notebook. */
export const vegaLite: ExportFormat = {
  id: 'vega-lite',
  summary: 'the forest plot as a Vega-Lite specification (notebooks, papers)',
  extension: 'vl.json',
  write: ({ plan, summary }) => {
    const picture = forestPictures(summary, plan)[0];
    if (!picture)
      throw new BenchError('nothing-to-draw', 'no comparison of this run has a number, so there is no plot', {
        hint: 'bench export --format csv has all that was read',
      });
    const spec = {
      $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
      title: picture.title,
      description: picture.caption,
      config: { ...config, background: 'white' },
      ...picture.spec(defaults.wideWidth),
    };
    // The page's colour variables have no meaning elsewhere: their fallbacks do.
    return JSON.stringify(spec, null, 1).replace(/var\(--[a-z0-9]+,(#[0-9a-f]{6})\)/g, '$1') + '\n';
  },
};
