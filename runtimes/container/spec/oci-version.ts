/** The newest runtime specification that is understood (its line-by-line state stands in docs/container-runtime.md). */
export const NEWEST_OCI_VERSION = '1.3.0';
