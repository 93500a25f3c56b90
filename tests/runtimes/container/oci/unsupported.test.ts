import * as assert from 'uvu/assert';
import { refuseUnsupported, unsupportedOf } from '../../../../runtimes/container/oci/unsupported.ts';
import { defaultSpec } from '../../../../runtimes/container/spec/default-spec.ts';
import type { OciSpec } from '../../../../runtimes/container/spec/oci-spec.ts';
import { suite } from '../../../suite.ts';
import { refusal } from '../../../workloads/refusal.ts';

const test = suite('what a configuration asks and we do not do');
const plain = (): OciSpec => defaultSpec({ rootfs: '/r', argv: ['true'] });

test('the defaults ask nothing of that', () => {
  assert.equal(unsupportedOf(plain()), { refused: [], ignored: [] });
  const unconfined = plain();
  unconfined.process!.apparmorProfile = 'unconfined';
  unconfined.linux!.personality = { domain: 'LINUX' };
  assert.equal(unsupportedOf(unconfined), { refused: [], ignored: [] });
});

test('confinement that we cannot give is refused, each by its name', () => {
  const asked: [string, (spec: OciSpec) => unknown][] = [
    ['process.apparmorProfile', (spec) => (spec.process!.apparmorProfile = 'docker-default')],
    ['process.selinuxLabel', (spec) => (spec.process!.selinuxLabel = 'system_u')],
    ['linux.mountLabel', (spec) => (spec.linux!.mountLabel = 'x')],
    ['linux.personality', (spec) => (spec.linux!.personality = { domain: 'LINUX32' })],
    ['linux.intelRdt', (spec) => (spec.linux!['intelRdt'] = { closID: 'x' })],
    [
      'linux.seccomp.listenerPath',
      (spec) => (spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/x' }),
    ],
  ];
  for (const [name, change] of asked) {
    const spec = plain();
    change(spec);
    const error = refusal(() => refuseUnsupported(spec));
    assert.is(error.code, 'oci-unsupported', name);
    assert.match(error.message, name);
  }
});

test('what only concerns accounting and speed is left out, and said', () => {
  const spec = plain();
  spec.process!['ioPriority'] = { class: 'IOPRIO_CLASS_IDLE' };
  spec.linux!.resources = { hugepageLimits: [{ pageSize: '2MB', limit: 1 }], rdma: {} };
  spec.mounts!.push({ destination: '/tmp', type: 'tmpfs', options: ['tmpcopyup', 'size=1m'] });
  assert.equal(refuseUnsupported(spec), [
    'left out: process.ioPriority',
    'left out: linux.resources.hugepageLimits',
    'left out: the option tmpcopyup of the mount on /tmp',
  ]);
});

test.run();
