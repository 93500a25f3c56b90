import type { OciHook } from '../spec/oci-spec.ts';
import type { ContainerState } from './state.ts';

/** The state that hooks read on stdin (runtime-spec, "State"). '@PID@' is replaced by the launcher, which knows the pid first. */
export function hookState(
  state: Pick<ContainerState, 'ociVersion' | 'id' | 'bundle' | 'annotations'>,
  status: string,
  pid: number | '@PID@',
): string {
  const { ociVersion, id, bundle, annotations } = state;
  const text = JSON.stringify({ ociVersion, id, status, pid, bundle, annotations });
  return pid === '@PID@' ? text.replace('"@PID@"', '@PID@') : text;
}

/**
 * Runs hooks one after another. For poststart and poststop a failure is logged and the rest go on, as the specification
 * says; what failed is handed back in words.
 */
export async function runHooks(
  hooks: readonly OciHook[] | null | undefined,
  stdin: string,
): Promise<string[]> {
  const failures: string[] = [];
  if (!hooks || hooks.length === 0) return failures;
  const { execa } = await import('execa');
  for (const hook of hooks) {
    const result = await execa(hook.path, (hook.args ?? [hook.path]).slice(1), {
      argv0: hook.args?.[0] ?? hook.path,
      env: Object.fromEntries(
        (hook.env ?? []).map((entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)]),
      ),
      extendEnv: false,
      input: stdin,
      timeout: (hook.timeout ?? 0) * 1000,
      reject: false,
    });
    if (result.failed)
      failures.push(`hook ${hook.path}: ${result.shortMessage ?? `exit ${result.exitCode}`}`);
  }
  return failures;
}
