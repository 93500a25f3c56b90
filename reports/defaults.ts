/** Every default of the reports room, each with its reason. */
export const defaults = {
  /** From this cost on a ratio reads better as a multiple (2.3×) than as a percentage (130 %). */
  multipleFrom: 2,
  /** Trials up to which every single one is drawn; above, cells are shown by their quantiles only (page size bar: 3 MB). */
  maxDrawnTrials: 4000,
  /** Cells up to which each gets its own pictures; above, a heat map and the tables carry the page. */
  maxDrawnCells: 48,
  /** Rows of failed and invalid trials that are printed in full; the rest is counted, and is in the raw data. */
  maxListedTrials: 200,
  /** Characters of a name that a picture shows; the tables show `maxTextLength`. */
  maxChartLabel: 36,
  /** Characters of any text from a run that the page shows: a 10 kB label must not become the page. */
  maxTextLength: 600,
  /** Bytes of embedded raw data (base64 of gzip) above which the page names the file beside it instead (page size bar: 3 MB). */
  maxEmbeddedBytes: 1_500_000,
  /** Comparisons up to which the forest plot shows each one: 60 rows still fit on a printed page. */
  maxForestRows: 60,
  /** Width of a picture beside others and on a phone, px: 360 is the narrowest common screen, less the margins. */
  narrowWidth: 328,
  /** Width of a picture over the whole column, px. */
  wideWidth: 960,
} as const;
