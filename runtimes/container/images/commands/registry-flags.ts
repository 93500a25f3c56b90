import { BenchError } from '../../../../results/bench-error.ts';
import { parseReference, fullName } from '../reference.ts';
import { parseCredentials, storedCredentials } from '../registry/credentials.ts';
import { parsePlatform } from '../registry/platform.ts';
import { pullImage } from '../registry/pull.ts';
import { pushImage } from '../registry/push.ts';
import { Registry } from '../registry/registry.ts';
import type { ImageStore, StoredImage } from '../store/image-store.ts';

/** Options of every command that speaks to a registry, as they were typed. */
export interface RegistryFlags {
  creds?: string;
  tlsCa?: string;
  tlsVerify?: string;
  platform?: string;
}

/** What a command is given beside its own arguments. */
export interface CommandContext {
  store: ImageStore;
  /** One line of progress. */
  say(line: string): void;
  signal?: AbortSignal;
}

/** `bench image pull`: the name says from where. */
export async function pullByName(
  { store, say, signal }: CommandContext,
  name: string,
  flags: RegistryFlags,
): Promise<StoredImage> {
  const reference = parseReference(name);
  const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
  return pullImage(store, await registryOf(reference.registry, flags, signal), reference, {
    platform,
    signal,
    say,
  });
}

/** `bench image push`: under its own name, or under another one that says where to. Returns the name and digest there. */
export async function pushByName(
  { store, say, signal }: CommandContext,
  name: string,
  other: string | undefined,
  flags: RegistryFlags,
): Promise<string> {
  const reference = parseReference(other ?? name);
  const registry = await registryOf(reference.registry, flags, signal);
  const digest = await pushImage(store, registry, await store.get(name), reference, say);
  return `${fullName(reference)}: ${digest}`;
}

async function registryOf(
  host: string,
  flags: RegistryFlags,
  signal: AbortSignal | undefined,
): Promise<Registry> {
  if (flags.tlsVerify !== undefined && !['true', 'false'].includes(flags.tlsVerify))
    throw new BenchError('usage-tls-verify', `--tls-verify is true or false, not '${flags.tlsVerify}'`);
  return new Registry(host, {
    credentials: flags.creds === undefined ? await storedCredentials(host) : parseCredentials(flags.creds),
    caFile: flags.tlsCa,
    tlsVerify: flags.tlsVerify !== 'false',
    signal,
  });
}
