import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS, must, type BenchRig, type Contender } from './rig.ts';

const DAEMON = '/usr/sbin/dockerd';
const CLIENT = '/usr/bin/docker';
/** containerd is started by it, and on a busy machine takes its time. */
const START_TIMEOUT_MS = 30_000;

/**
 * `docker run --rm` with the same limits, by a daemon of our own that ends with the benchmark; nothing of a daemon that
 * runs already is used or touched. None, with a word, where Docker is not installed or does not start.
 */
export async function docker(rig: BenchRig, cleanUp: (() => Promise<void>)[]): Promise<Contender[]> {
  if (!existsSync(DAEMON) || !existsSync(CLIENT)) {
    console.error('docker is left out: apt-get install -y --no-install-recommends docker.io');
    return [];
  }
  const folder = join(rig.scratch, 'docker');
  const host = `unix://${join(folder, 'socket')}`;
  mkdirSync(folder);
  const before = parents();
  const log = openSync(join(folder, 'log'), 'w');
  const daemon = spawn(
    DAEMON,
    [
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
      ...['--pidfile', join(folder, 'pid'), '--host', host],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false'],
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  cleanUp.push(async () => {
    daemon.kill('SIGTERM');
    await ended;
    for (const cgroup of parents()) if (!before.includes(cgroup)) removeEmpty(cgroup);
  });
  const call = (argv: string[]) => execa(CLIENT, ['-H', host, ...argv], { reject: false, stdin: 'ignore' });
  const until = Date.now() + START_TIMEOUT_MS;
  while ((await call(['version'])).exitCode !== 0) {
    if (Date.now() > until || daemon.exitCode !== null) {
      console.error('docker is left out: dockerd does not start');
      return [];
    }
    await sleep(100);
  }
  const pack =
    'tar -C "$1" --exclude ./boot --exclude ./usr/lib/modules -c . | "$2" -H "$3" import - tare-bench';
  await must('sh', ['-c', pack, 'sh', rig.rootfs, CLIENT, host]);
  const limits = [
    '-c',
    String(LIMITS.cpuShares),
    '-m',
    `${LIMITS.memoryMiB}m`,
    '--pids-limit',
    String(LIMITS.pids),
  ];
  const argv = ['-H', host, 'run', '--rm', '--network', 'none', ...limits, 'tare-bench', '/bin/true'];
  return [{ name: 'docker run --network none', run: () => must(CLIENT, argv) }];
}

/** The parents that Docker makes for its containers, in every hierarchy, and leaves behind. */
function parents(): string[] {
  return readdirSync('/sys/fs/cgroup')
    .map((hierarchy) => join('/sys/fs/cgroup', hierarchy, 'docker'))
    .filter((path) => existsSync(path));
}

function removeEmpty(cgroup: string): void {
  for (const entry of readdirSync(cgroup, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmpty(join(cgroup, entry.name));
  rmdirSync(cgroup);
}
