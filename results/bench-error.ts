/**
 * The one error a user meets. `code` is stable and greppable, `message` says what and where, `hint` says what to do
 * next, `cause` keeps the original. Anything else that reaches the top is a defect of ours and is shown with its stack.
 * It lives in results/ because that is the room every other room may import.
 */
export class BenchError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BenchError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** The message of anything that was thrown, with a BenchError's hint after it. */
export function describeError(error: unknown): string {
  if (error instanceof BenchError && error.hint) return `${error.message} (${error.hint})`;
  return error instanceof Error ? error.message : String(error);
}
