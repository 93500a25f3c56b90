import { containerRuntime } from './container/container-runtime.ts';
import type { Runtime } from './contract.ts';
import { nativeRuntime } from './native/native-runtime.ts';
import { qemuRuntime } from './qemu/qemu-runtime.ts';

/** Every runtime, in the order in which they are listed. A new one is a folder and a line here. */
export const runtimes: readonly Runtime[] = [
  nativeRuntime,
  containerRuntime,
  qemuRuntime,
] as readonly Runtime[];
