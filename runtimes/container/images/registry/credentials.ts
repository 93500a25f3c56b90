import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../../../results/bench-error.ts';

export interface Credentials {
  username: string;
  password: string;
}

const dockerConfigSchema = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).optional(),
});

/** `user:password`, as given on the command line. */
export function parseCredentials(text: string): Credentials {
  const colon = text.indexOf(':');
  if (colon < 1)
    throw new BenchError('bad-credentials', 'credentials are written user:password', {
      hint: 'or log in with docker or podman: their auth file is read too',
    });
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Where docker and podman keep logins, in the order they are asked. */
function authFiles(env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME ?? homedir();
  return [
    env.REGISTRY_AUTH_FILE,
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, 'containers', 'auth.json'),
    env.DOCKER_CONFIG && join(env.DOCKER_CONFIG, 'config.json'),
    join(home, '.docker', 'config.json'),
  ].filter((each): each is string => each !== undefined && each !== '');
}

/** The stored login for a registry; undefined when there is none. */
export async function storedCredentials(
  registry: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | undefined> {
  const keys = [registry, `https://${registry}`, `https://${registry}/v1/`, `https://${registry}/v2/`];
  if (registry === 'docker.io') keys.push('https://index.docker.io/v1/');
  for (const file of authFiles(env)) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const config = dockerConfigSchema.safeParse(JSON.parse(text)).data;
    for (const key of keys) {
      const auth = config?.auths?.[key]?.auth;
      if (auth) return parseCredentials(Buffer.from(auth, 'base64').toString('utf8'));
    }
  }
  return undefined;
}
