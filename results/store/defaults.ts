/** Sizes above which a file of a run is not one of ours; reading stops before memory does. */

/** plan.json, host.json, summary.json: the largest real ones are below 5 MiB. */
export const MAX_DOCUMENT_BYTES = 256 * 2 ** 20;

/** matrix.yaml, as a person writes it. */
export const MAX_MATRIX_BYTES = 4 * 2 ** 20;

/** trials.jsonl: 10⁶ trials of about 2 KiB. */
export const MAX_JOURNAL_BYTES = 4 * 2 ** 30;

/** One line of trials.jsonl. */
export const MAX_LINE_BYTES = 4 * 2 ** 20;
