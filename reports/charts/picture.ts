import type { TopLevelSpec } from 'vega-lite';
import { defaults } from '../defaults.ts';
import { drawSvg, type Svg } from './render.ts';

/** A picture of the page, with what a reader should see in it. */
export interface Picture {
  /** Stable name: its link on the page, and the file name when it is exported. */
  id: string;
  title: string;
  /** One sentence that says what to see. */
  caption: string;
  /** The same for those who do not see it: what is drawn, and where its numbers are. */
  alt: string;
  /** Which filter shows it; null when it is about the whole run. */
  workload: string | null;
  spec(widthPx: number): TopLevelSpec;
  /** Drawn over the whole column (and once more, narrow, for phones); else one narrow drawing serves both. */
  wide: boolean;
}

/** A picture as drawn. */
export interface Drawn extends Omit<Picture, 'spec'> {
  narrowSvg: Svg;
  wideSvg: Svg | null;
}

export async function draw(picture: Picture): Promise<Drawn> {
  const { spec, ...rest } = picture;
  const narrowSvg = await drawSvg(spec(defaults.narrowWidth), picture.id);
  const wideSvg = picture.wide ? await drawSvg(spec(defaults.wideWidth), `${picture.id}-w`) : null;
  return { ...rest, narrowSvg, wideSvg };
}
