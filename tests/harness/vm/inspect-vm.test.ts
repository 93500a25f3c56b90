import * as assert from 'uvu/assert';
import { resourcesFor, vmOptions } from '../../../harness/vm/inspect-vm.ts';
import { suite } from '../../suite.ts';

const test = suite('looking into a VM');

test('options are written as in a matrix file', () => {
  const options = vmOptions(['format=raw', 'diskMiB=256', 'iothread=true', 'preallocation=off']);
  assert.is(options.format, 'raw');
  assert.is(options.diskMiB, 256);
  assert.is(options.iothread, true);
  assert.is(options.preallocation, 'off');
});

test('a wrong option is named', () => {
  assert.throws(() => vmOptions(['format']), /key=value/);
  assert.throws(() => vmOptions(['format=vmdk']), /format/);
  assert.throws(() => vmOptions(['colour=red']), /colour/);
});

test('the vCPUs get the last CPUs, everything else the others', () => {
  assert.equal(resourcesFor(1, 512, [0, 1, 2]), {
    cpus: 1,
    memoryMiB: 512,
    cpuset: [2],
    housekeeping: [0, 1],
  });
  assert.throws(() => resourcesFor(4, 512, [0, 1]), /may use 2/);
});

test.run();
