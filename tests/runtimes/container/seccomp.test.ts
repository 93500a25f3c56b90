import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { evaluate } from '../../../runtimes/container/seccomp/bpf.ts';
import { compileSeccomp } from '../../../runtimes/container/seccomp/compile.ts';
import { defaultSeccomp } from '../../../runtimes/container/seccomp/default-profile.ts';
import numbers from '../../../runtimes/container/seccomp/syscall-numbers.json' with { type: 'json' };
import { DEFAULT_CAPABILITIES } from '../../../runtimes/container/spec/capabilities.ts';
import type { OciSeccomp } from '../../../runtimes/container/spec/oci-spec.ts';
import { suite } from '../../suite.ts';

const test = suite('seccomp compiler');
const X64 = 0xc000003e;
const ALLOW = 0x7fff0000;
const errno = (number: number): number => 0x50000 | number;
const table = numbers.x86_64 as Record<string, number>;

function fate(profile: OciSeccomp, name: string | number, args: bigint[] = [], arch = X64): number {
  const nr = typeof name === 'number' ? name : (table[name] ?? -1);
  return evaluate(compileSeccomp(profile, 'x64').program, { nr, arch, args }).value;
}

const standard = defaultSeccomp(DEFAULT_CAPABILITIES);

test('the default allows what programs need', () => {
  for (const name of ['read', 'write', 'openat', 'execve', 'futex', 'mmap', 'chroot', 'exit_group', 'wait4'])
    assert.is(fate(standard, name), ALLOW, name);
});

test('the default refuses what reaches the kernel or other containers', () => {
  const refused = [
    'mount',
    'umount2',
    'pivot_root',
    'setns',
    'unshare',
    'bpf',
    'keyctl',
    'add_key',
    'ptrace',
    'init_module',
    'kexec_load',
    'open_by_handle_at',
    'perf_event_open',
    'userfaultfd',
    'io_uring_setup',
    'move_mount',
    'process_vm_readv',
    'swapon',
    'reboot',
    'settimeofday',
  ];
  for (const name of refused) assert.is(fate(standard, name), errno(1), name);
});

test('clone is allowed but for new namespaces, clone3 is absent, vsock is refused', () => {
  assert.is(fate(standard, 'clone', [0x11n]), ALLOW);
  assert.is(fate(standard, 'clone', [0x20000n]), errno(1));
  assert.is(fate(standard, 'clone', [0x10000000n]), errno(1));
  assert.is(fate(standard, 'clone3'), errno(38));
  assert.is(fate(standard, 'socket', [2n]), ALLOW);
  assert.is(fate(standard, 'socket', [40n]), errno(1));
  assert.is(fate(standard, 'personality', [0n]), ALLOW);
  assert.is(fate(standard, 'personality', [0x0400000n]), errno(1));
});

test('other architectures, x32 and calls newer than the table look absent', () => {
  assert.is(fate(standard, 3, [], 0x40000003), errno(38));
  assert.is(fate(standard, 0x40000000), errno(38));
  assert.is(fate(standard, 5000), errno(38));
});

test('a capability brings back its calls', () => {
  const admin = defaultSeccomp([...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN', 'CAP_SYS_PTRACE']);
  for (const name of ['mount', 'setns', 'clone3', 'ptrace']) assert.is(fate(admin, name), ALLOW, name);
  assert.is(fate(admin, 'clone', [0x20000n]), ALLOW);
  assert.is(fate(admin, 'reboot'), errno(1));
});

test('the tree is shallow: at most 24 instructions decide any call of the default profile', () => {
  const { program } = compileSeccomp(standard, 'x64');
  for (const [name, nr] of Object.entries(table)) {
    const { steps } = evaluate(program, { nr, arch: X64, args: [0n, 0n, 0n, 0n, 0n, 0n] });
    assert.ok(steps <= 24, `${name} took ${steps}`);
  }
});

const OPERATORS = {
  SCMP_CMP_EQ: (a: bigint, v: bigint) => a === v,
  SCMP_CMP_NE: (a: bigint, v: bigint) => a !== v,
  SCMP_CMP_LT: (a: bigint, v: bigint) => a < v,
  SCMP_CMP_LE: (a: bigint, v: bigint) => a <= v,
  SCMP_CMP_GT: (a: bigint, v: bigint) => a > v,
  SCMP_CMP_GE: (a: bigint, v: bigint) => a >= v,
  SCMP_CMP_MASKED_EQ: (a: bigint, v: bigint, two: bigint) => (a & v) === two,
} as const;

const names = Object.keys(table);
const small = fc.oneof(
  fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001),
  fc.integer({ min: 0, max: 2 ** 40 }),
);
const anyArgs = fc.uniqueArray(
  fc.record({
    index: fc.integer({ min: 0, max: 5 }),
    value: small,
    valueTwo: small,
    op: fc.constantFrom(...(Object.keys(OPERATORS) as (keyof typeof OPERATORS)[])),
  }),
  { maxLength: 3, selector: (arg) => arg.index },
);
const anyProfile = fc.record({
  defaultAction: fc.constantFrom('SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_ALLOW'),
  syscalls: fc.array(
    fc.record({
      names: fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 60 }),
      action: fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_LOG'),
      args: anyArgs,
    }),
    { maxLength: 12 },
  ),
});
const ACTIONS: Record<string, number> = {
  SCMP_ACT_ALLOW: ALLOW,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ERRNO: errno(1),
  SCMP_ACT_KILL_PROCESS: 0x80000000,
};

test('any profile decides as a plain walk over its rules does', () => {
  fc.assert(
    fc.property(
      anyProfile,
      fc.constantFrom(...names),
      fc.array(small, { minLength: 6, maxLength: 6 }),
      (profile, name, raw) => {
        const args = raw.map(BigInt);
        const rule = profile.syscalls.find(
          (each) =>
            each.names.includes(name) &&
            each.args.every((arg) =>
              OPERATORS[arg.op](args[arg.index] ?? 0n, BigInt(arg.value), BigInt(arg.valueTwo)),
            ),
        );
        const expected = ACTIONS[rule?.action ?? profile.defaultAction];
        assert.is(fate(profile, name, args), (expected ?? 0) >>> 0);
      },
    ),
    { numRuns: 400 },
  );
});

test('an unknown action or operator is refused by name', () => {
  assert.throws(() => compileSeccomp({ defaultAction: 'SCMP_ACT_MAYBE' }), /SCMP_ACT_MAYBE/);
  assert.throws(
    () =>
      compileSeccomp({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          { names: ['read'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 1, op: 'SCMP_CMP_ODD' }] },
        ],
      }),
    /SCMP_CMP_ODD/,
  );
});

test.run();
