import type { OciOption } from './oci-verb.ts';
import { DEFAULT_ROOT } from './perform.ts';

/** Options before the verb, as Docker, containerd and Podman give them. */
export const GLOBAL_OPTIONS: readonly OciOption[] = [
  { flags: '--root <folder>', help: 'where containers are remembered', default: DEFAULT_ROOT },
  { flags: '--log <file>', help: 'also write errors to this file' },
  { flags: '--log-format <format>', help: 'of that file: text or json', default: 'text' },
  { flags: '--debug', help: 'accepted for compatibility; there is nothing more to say' },
  { flags: '--systemd-cgroup', help: "expand 'slice:prefix:name' cgroup paths (always done)" },
  { flags: '--rootless <when>', help: 'accepted for compatibility' },
  { flags: '--criu <path>', help: 'the criu to checkpoint and restore with (default: in PATH)' },
];
