import * as assert from 'uvu/assert';
import { virtualizationOf, type VirtualizationHints } from '../../../harness/host/virtualization.ts';
import { suite } from '../../suite.ts';

const test = suite('which machine the inside believes to be on');
const bare: VirtualizationHints = {
  detected: '',
  cpuModel: 'Intel(R) Core(TM) i7',
  flags: ['fpu'],
  clocksources: 'tsc hpet acpi_pm',
  vendor: 'LENOVO',
  product: 'ThinkPad',
  hypervisor: '',
};
const inGuest = { ...bare, flags: ['fpu', 'hypervisor'] };

test('emulation is never called KVM', () => {
  const tcg: Partial<VirtualizationHints>[] = [
    { detected: 'qemu' },
    { cpuModel: 'QEMU TCG CPU version 2.5+' },
    { cpuModel: 'QEMU TCG CPU version 2.5+', detected: 'kvm' },
    { cpuModel: 'QEMU Virtual CPU version 2.5+', vendor: '' },
    { vendor: 'QEMU' },
  ];
  for (const hints of tcg)
    assert.is(virtualizationOf({ ...inGuest, ...hints }), 'tcg', JSON.stringify(hints));
});

test('KVM is known by systemd, or by the clock that only it offers', () => {
  assert.is(virtualizationOf({ ...inGuest, detected: 'kvm' }), 'kvm');
  assert.is(virtualizationOf({ ...inGuest, vendor: 'QEMU', clocksources: 'kvm-clock tsc' }), 'kvm');
});

test('others by their signs; a bare bit says only that there is one', () => {
  assert.is(virtualizationOf({ ...inGuest, clocksources: 'hyperv_clocksource_tsc_page tsc' }), 'microsoft');
  assert.is(virtualizationOf({ ...inGuest, hypervisor: 'xen' }), 'xen');
  assert.is(virtualizationOf({ ...inGuest, vendor: 'VMware, Inc.' }), 'vmware');
  assert.is(virtualizationOf({ ...inGuest, vendor: 'innotek GmbH' }), 'oracle');
  assert.is(virtualizationOf(inGuest), 'unknown hypervisor');
});

test('bare metal is none', () => {
  assert.is(virtualizationOf(bare), 'none');
  assert.is(virtualizationOf({ ...bare, detected: 'none' }), 'none');
});

test.run();
