import { readFile, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import { BenchError } from '../../../results/bench-error.ts';
import { moduleName } from './module-order.ts';

const MODULE = /\.ko(\.(xz|zst|gz))?$/;
const DECOMPRESS_TIMEOUT_MS = 30_000;

/** A kernel's modules: the texts that depmod and the kernel's build write, `modules.dep` made here where depmod never ran. */
export interface ModuleIndex {
  folder: string;
  dep: string;
  builtin: string;
}

/**
 * Reads `lib/modules/<release>`. An unpacked package and a build's INSTALL_MOD_PATH without depmod have no modules.dep: then
 * the modules asked for, and what they need, are found by name and by what they say of themselves.
 */
export async function readModuleFolder(folder: string, names: readonly string[]): Promise<ModuleIndex> {
  const builtin = await readFile(join(folder, 'modules.builtin'), 'utf8').catch(() => '');
  const dep = await readFile(join(folder, 'modules.dep'), 'utf8').catch(() => '');
  return { folder, builtin, dep: dep.trim() === '' ? await dependencies(folder, names) : dep };
}

/** A module's bytes, decompressed. */
export async function readModule(file: string): Promise<Buffer> {
  const bytes = await readFile(file);
  const packing = MODULE.exec(file)?.[2];
  if (packing === undefined) return bytes;
  if (packing === 'gz') return gunzipSync(bytes);
  const command = packing === 'xz' ? 'xz' : 'zstd';
  const result = await execa(command, ['-dc'], {
    input: bytes,
    encoding: 'buffer',
    reject: false,
    timeout: DECOMPRESS_TIMEOUT_MS,
    maxBuffer: 256 * 1024 * 1024,
  });
  if (result.code === 'ENOENT')
    throw new BenchError('vm-tool-missing', `${command} is not installed, and ${file} is packed with it`, {
      hint: `apt-get install ${command === 'xz' ? 'xz-utils' : command}`,
    });
  if (result.exitCode !== 0)
    throw new BenchError(
      'vm-kernel-modules',
      `${file} cannot be decompressed: ${String(result.stderr).trim()}`,
    );
  return Buffer.from(result.stdout);
}

/** A field of a module's .modinfo section, e.g. `depends` or `vermagic`; '' when it does not say. */
export function moduleInfo(module: Buffer, field: string): string {
  const at = module.indexOf(`\0${field}=`, 0, 'latin1');
  if (at < 0) return '';
  const from = at + field.length + 2;
  return module.toString('latin1', from, module.indexOf(0, from));
}

/** The lines of a modules.dep for some modules and all they need, nearest dependency first. */
async function dependencies(folder: string, names: readonly string[]): Promise<string> {
  const files = new Map<string, string>();
  const below = join(folder, 'kernel');
  for (const entry of await readdir(below, { recursive: true, withFileTypes: true }).catch(() => []))
    if (entry.isFile() && MODULE.test(entry.name))
      files.set(moduleName(entry.name), relative(folder, join(entry.parentPath, entry.name)));
  /** Module → what must be loaded before it, in that order. */
  const before = new Map<string, string[]>();
  const visit = async (name: string): Promise<void> => {
    const file = files.get(name);
    if (file === undefined || before.has(name)) return;
    before.set(name, []);
    const direct = moduleInfo(await readModule(join(folder, file)), 'depends')
      .split(',')
      .filter(Boolean)
      .map(moduleName);
    for (const one of direct) await visit(one);
    before.set(name, [...new Set(direct.flatMap((one) => [...(before.get(one) ?? []), one]))]);
  };
  for (const name of names) await visit(moduleName(name));
  const line = ([name, list]: [string, string[]]): string => {
    const nearestFirst = list.flatMap((one) => files.get(one) ?? []).toReversed();
    return `${files.get(name)}: ${nearestFirst.join(' ')}`;
  };
  return [...before].map(line).join('\n');
}
