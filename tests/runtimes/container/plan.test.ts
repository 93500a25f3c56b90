import { readFileSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../results/package-root.ts';
import {
  containerPlan,
  sysctlPath,
  type PlanContext,
} from '../../../runtimes/container/plan/container-plan.ts';
import { execPlan } from '../../../runtimes/container/plan/exec-plan.ts';
import { mountOps } from '../../../runtimes/container/plan/mount-ops.ts';
import { parseMountOptions } from '../../../runtimes/container/plan/mount-options.ts';
import {
  adjustCapabilities,
  capabilityMask,
  DEFAULT_CAPABILITIES,
} from '../../../runtimes/container/spec/capabilities.ts';
import {
  defaultProcess,
  defaultSpec,
  type SpecRequest,
} from '../../../runtimes/container/spec/default-spec.ts';
import { ociSpecSchema } from '../../../runtimes/container/spec/oci-spec.ts';
import { MOUNT_ATTR, MS } from '../../../runtimes/launch/constants.ts';
import { formatPlan } from '../../../runtimes/launch/describe.ts';
import type { LaunchPlan, OpName } from '../../../runtimes/launch/ops.ts';
import { insideLinkOps, peerNamespaceOps, vethParentOps } from '../../../runtimes/network/peer-network.ts';
import { subnet } from '../../../runtimes/network/subnet.ts';
import { suite } from '../../suite.ts';

const test = suite('container plans');
const context: PlanContext = {
  owner: { op: 'death-signal', signal: 9, parent: 42 },
  overlay: { lower: ['/layers/a', '/layers/b'], upper: '/c/upper', work: '/c/work' },
  attachOps: [{ op: 'attach-child', directory: '/sys/fs/cgroup/cpu/tare/o/t' }],
  birthCgroup: null,
  network: { parent: vethParentOps(subnet(0)), inside: insideLinkOps(subnet(0)) },
  seccomp: { program: new Uint8Array(8), flags: 0 },
  preserveFds: 0,
  main: 'exec',
  before: peerNamespaceOps(),
  beforeExec: [],
  terminal: [],
  hookState: '{}',
  isFolder: (path) => !path.endsWith('.conf'),
  cgroupFolders: ['/sys/fs/cgroup/cpu/tare/o/t'],
  unified: false,
};
const request: SpecRequest = { rootfs: '/c/root', argv: ['/bin/sh'], hostname: 'box' };
const plan = (over: Partial<SpecRequest> = {}, with_: Partial<PlanContext> = {}): LaunchPlan =>
  containerPlan(defaultSpec({ ...request, ...over }), { ...context, ...with_ });
const index = (ops: LaunchPlan, name: OpName): number => ops.findIndex((op) => op.op === name);

/** Golden: the whole plan as text. `UPDATE_GOLDEN=1` writes it; the difference is then read by a person. */
function golden(name: string, text: string): void {
  const file = packagePath('tests', 'runtimes', 'container', 'golden', name);
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, text);
  assert.fixture(text, readFileSync(file, 'utf8'));
}

test('the default container, operation by operation', () => {
  golden('default.plan', formatPlan(plan()));
});

test('a rootless, read-only container with a volume, operation by operation', () => {
  const mappings = {
    uid: [{ containerID: 0, hostID: 1000, size: 1 }],
    gid: [{ containerID: 0, hostID: 1000, size: 1 }],
  };
  const mounts = [
    { destination: '/srv', type: 'bind', source: '/host/data', options: ['rbind', 'ro'] },
    { destination: '/etc/app.conf', type: 'bind', source: '/host/app.conf', options: ['bind'] },
  ];
  const over = { mappings, mounts, readonlyRoot: true, ttyGroup: false, cgroupMount: false };
  golden('rootless.plan', formatPlan(plan(over, { cgroupFolders: [], attachOps: [], main: 'exec' })));
});

test('what holds the box together comes in the order that works', () => {
  const ops = plan({ sysctl: { 'net.ipv4.ip_forward': '1' } });
  const order: OpName[] = [
    'clone',
    'propagation',
    'root',
    'mknod',
    'write-proc',
    'read-only',
    'mask',
    'pivot-root',
    'wait-parent',
    'unshare',
    'hostname',
    'umask',
    'close-fds',
    'chdir',
    'bounding',
    'ids',
    'caps',
    'no-new-privs',
    'seccomp',
    'exec',
  ];
  // The last of a kind: the peer's network namespace is made before everything.
  const places = order.map((name) => ops.map((op) => op.op).lastIndexOf(name));
  assert.equal(
    places,
    [...places].sort((a, b) => a - b),
  );
  assert.not(places.includes(-1));
  assert.is(ops.at(-1)?.op, 'exec');
});

test('without no_new_privs the filter comes while it may still be installed', () => {
  const ops = plan({ noNewPrivileges: false });
  assert.is(index(ops, 'no-new-privs'), -1);
  assert.ok(index(ops, 'seccomp') < index(ops, 'caps'));
});

test('the death signal is set again after the ids, which clear it', () => {
  const ops = plan();
  const last = ops.map((op) => op.op).lastIndexOf('death-signal');
  assert.ok(last > index(ops, 'ids'));
});

test('exec joins the cgroup while the host is in view, is untraceable before it enters, and forks for the pid namespace', () => {
  const ops = execPlan(
    { pid: 7, startTime: '99', namespaces: 1, joinOps: [{ op: 'join-cgroup', directory: '/x' }] },
    defaultProcess({ argv: ['id'] }),
    {
      owner: null,
      seccomp: null,
      preserveFds: 0,
      before: [],
      terminal: [],
      setGroups: true,
      birthCgroup: null,
    },
  );
  const places = (['join-cgroup', 'dumpable', 'setns-pid', 'clone', 'caps', 'exec'] as const).map((name) =>
    index(ops, name),
  );
  assert.equal(
    places,
    [...places].sort((a, b) => a - b),
  );
});

test('the default capabilities are exactly the 14 of Docker', () => {
  assert.is(capabilityMask(DEFAULT_CAPABILITIES), 0xa80425fbn);
  assert.equal(adjustCapabilities(DEFAULT_CAPABILITIES, ['net_admin'], ['ALL']), ['CAP_NET_ADMIN']);
  assert.is(adjustCapabilities(DEFAULT_CAPABILITIES, ['ALL'], ['CAP_SYS_ADMIN']).length, 40);
  assert.throws(() => adjustCapabilities([], ['CAP_FLY'], []), /CAP_FLY/);
});

test('a user other than root starts with no capability, and root with those granted', () => {
  const caps = defaultProcess({ argv: ['x'], user: { uid: 1000, gid: 1000 } }).capabilities;
  assert.equal(caps?.effective, []);
  assert.is(caps?.bounding?.length, 14);
});

test('mount options are sorted by who takes them', () => {
  const tmpfs = parseMountOptions(['nosuid', 'strictatime', 'mode=755', 'size=65536k']);
  assert.is(tmpfs.flags, MS.NOSUID | MS.STRICTATIME);
  assert.is(tmpfs.data, 'mode=755,size=65536k');
  const bind = parseMountOptions(['rbind', 'rro', 'rslave']);
  assert.equal([bind.bind, bind.set, bind.recursiveAttributes], ['rbind', MOUNT_ATTR.RDONLY, true]);
  assert.is(bind.propagation, MS.SLAVE | MS.REC);
  assert.is(parseMountOptions(['ro', 'rw']).flags, 0);
});

test('kernel file systems never follow a link of the image; volumes follow inside it', () => {
  const follow = (destination: string, type: string): unknown =>
    mountOps({ destination, type, source: '/s', options: type === 'bind' ? ['bind'] : [] }, context).map(
      (op) => (op as { follow?: number }).follow,
    );
  assert.equal(follow('/proc', 'proc'), [0, 0]);
  assert.equal(follow('/dev/shm', 'tmpfs'), [0, 0]);
  assert.equal(follow('/var/run/x', 'bind'), [1, 1]);
});

test('a kernel parameter cannot name a path elsewhere', () => {
  assert.is(sysctlPath('net.ipv4.ip_forward'), '/proc/sys/net/ipv4/ip_forward');
  for (const name of ['../self/attr/exec', 'a..b', 'kernel/../../etc', ''])
    assert.throws(() => sysctlPath(name));
});

test('a configuration of another tool is read, unknown keys and all', () => {
  const parsed = ociSpecSchema.parse({
    ociVersion: '1.0.2-dev',
    process: { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/', ioPriority: { class: 'x' } },
    root: { path: 'rootfs' },
    linux: { namespaces: [{ type: 'pid' }, { type: 'network', path: '/var/run/netns/a' }], intelRdt: {} },
  });
  const ops = containerPlan(parsed, { ...context, overlay: null });
  assert.ok(ops.some((op) => op.op === 'setns' && op.path === '/var/run/netns/a'));
});

test.run();
