import { createHash } from 'node:crypto';
import { closeSync, constants, copyFileSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../../../results/package-root.ts';
import { containerPlan, type PlanContext } from '../../../../../runtimes/container/plan/container-plan.ts';
import { ALL_NAMESPACES, execPlan } from '../../../../../runtimes/container/plan/exec-plan.ts';
import { CAPABILITIES, heldCapabilities } from '../../../../../runtimes/container/spec/capabilities.ts';
import {
  defaultProcess,
  defaultSpec,
  type SpecRequest,
} from '../../../../../runtimes/container/spec/default-spec.ts';
import { ensureLauncher } from '../../../../../runtimes/launch/ensure-launcher.ts';
import { diesWithUs, startPlan, type Launched } from '../../../../../runtimes/launch/launch.ts';
import type { LaunchPlan } from '../../../../../runtimes/launch/ops.ts';
import { sealedLauncher } from '../../../../../runtimes/launch/sealed-launcher.ts';
import { processStartTime } from '../../../../../runtimes/sweep/owner.ts';
import { suite } from '../../../../suite.ts';
import { openRig, type Rig } from '../rig.ts';
import { boxesOf } from './box.ts';

/** The launcher itself as the target, each guard with the same attack where the guard is not. */
const test = suite('container security: the executable');
let rig: Rig;
let count = 0;
const { says } = boxesOf(() => rig);
test.before(async () => {
  rig = await openRig();
});
test.after(() => rig.close());

const hash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
const ALL: Partial<SpecRequest> = { privileged: true, capabilities: heldCapabilities(CAPABILITIES) };

/** A container in which our init sleeps, and a program started in it; `change` takes guards out of the init's plan. */
async function inContainer<Seen>(
  launcher: string,
  asked: Partial<SpecRequest>,
  argv: string[],
  use: (program: Launched) => Promise<Seen>,
  change: (plan: LaunchPlan) => LaunchPlan = (plan) => plan,
): Promise<Seen> {
  const folder = join(rig.scratchDir, `exe-${count++}`);
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true });
  const spec = defaultSpec({ ...asked, rootfs: join(folder, 'root'), argv });
  const nothing = { before: [], terminal: [], preserveFds: 0, seccomp: null, birthCgroup: null };
  const context: PlanContext = {
    ...nothing,
    owner: diesWithUs(),
    overlay: { lower: [rig.image.rootfs], upper: join(folder, 'upper'), work: join(folder, 'work') },
    attachOps: [],
    network: { parent: [], inside: [] },
    main: 'init',
    beforeExec: [],
    hookState: '',
    isFolder: () => true,
    cgroupFolders: [],
    unified: false,
  };
  const init = await startPlan({ launcher, plan: change(containerPlan(spec, context)) });
  try {
    const startTime = processStartTime(init.pid) ?? '';
    const container = { pid: init.pid, startTime, namespaces: ALL_NAMESPACES, joinOps: [] };
    const common = { ...nothing, owner: diesWithUs(), setGroups: true };
    const plan = execPlan(container, defaultProcess({ ...asked, argv }), common);
    const program = await startPlan({ launcher, plan });
    try {
      return await use(program);
    } finally {
      await program.stop();
    }
  } finally {
    await init.stop();
  }
}

/**
 * The attack in its full length: a program with every capability opens the launcher through /proc/1/exe, an accomplice
 * outlives the container with that descriptor (here: we take it over), and writes when nobody executes the file any more.
 */
async function attack(launcher: string): Promise<string> {
  const script = 'sysopen(F, "/proc/1/exe", 0) or die "$!"; $| = 1; print fileno(F), "\\n"; sleep 60';
  const taken = await inContainer(launcher, ALL, ['perl', '-e', script], async (program) => {
    for (let tries = 0; tries < 500 && !program.stdout().includes('\n'); tries++) await sleep(10);
    return openSync(`/proc/${program.pid}/fd/${program.stdout().trim()}`, 'r');
  });
  try {
    const again = openSync(`/proc/self/fd/${taken}`, constants.O_WRONLY | constants.O_APPEND);
    try {
      return `${writeSync(again, 'owned')} bytes written`;
    } finally {
      closeSync(again);
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    closeSync(taken);
  }
}

test('the launcher cannot be overwritten through /proc/1/exe, even with every capability (CVE-2019-5736)', async () => {
  const before = hash(rig.launcher);
  assert.is(await attack(rig.launcher), 'EROFS');
  assert.is(await attack(await sealedLauncher(rig.launcher)), 'EPERM');
  assert.is(hash(rig.launcher), before);
});

test('the control: without its seal the same attack succeeds, on a copy', async () => {
  const stub = packagePath('tests', 'real', 'runtimes', 'container', 'launcher-variants', 'unsealed.c');
  const built = await ensureLauncher(rig.scratchDir, { flags: ['-Wl,--wrap=seal_self', stub] });
  const sacrificial = join(rig.scratchDir, 'sacrificial');
  copyFileSync(built, sacrificial);
  assert.is(await attack(sacrificial), '5 bytes written');
  assert.is.not(hash(sacrificial), hash(built));
});

test('while it runs it cannot be opened for writing either', async () => {
  const script = 'sysopen(F, "/proc/1/exe", 0x201) or print "$!"';
  const said = await inContainer(rig.launcher, ALL, ['perl', '-e', script], async (program) => {
    await program.exited;
    return program.stdout() + program.stderr();
  });
  // "Text file busy" would mean: wait until it ends, then write.
  assert.is(said, 'Read-only file system');
});

test('our sleeping init cannot be looked into from the inside (CVE-2016-9962); without the guard it can', async () => {
  const look = async (change?: (plan: LaunchPlan) => LaunchPlan): Promise<string> => {
    const argv = ['sh', '-c', 'readlink -v /proc/1/exe; cat /proc/1/environ; ls /proc/1/fd'];
    return inContainer(
      rig.launcher,
      {},
      argv,
      async (program) => {
        await program.exited;
        return program.stdout() + program.stderr();
      },
      change,
    );
  };
  const refused = await look();
  // It holds the three standard descriptors only, and says nothing else of itself.
  assert.is(refused.match(/Permission denied/g)?.length, 2, refused);
  assert.match(refused, /^0\n1\n2\n[a-z]/);
  const open = await look((plan) => plan.filter(({ op }) => op !== 'dumpable'));
  assert.not.match(open, /Permission denied/);
});

test('no descriptor is inherited', async () => {
  assert.is(await says({ script: 'ls /proc/self/fd | tr "\\n" " "' }), '0 1 2 3');
});

test.run();
