import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findImage } from '../../runtimes/image/ensure-image.ts';
import { NO_LOWER } from '../../runtimes/container/images/layer/lower-view.ts';
import { unpackLayer } from '../../runtimes/container/images/layer/unpack.ts';
import { ensureLayerTool } from '../../runtimes/container/images/native/build-layer-tool.ts';
import { pullSpeed } from './unpack/pull-speed.ts';

/**
 * Unpacking a layer of 200 MB or more, beside `tar -x` of the same file, in turn: plain and gzipped. Ours hashes twice and checks
 * every name. Then pulling from a registry on the loopback, beside dd. Needs a quiet machine; the layer is /usr of the guest image where there is one, else made-up files.
 *
 *   npx tsx tests/bench/unpack.ts [turns]
 */
const turns = Number(process.argv[2] ?? 15);
const cache = process.env.TARE_CACHE ?? '/var/cache/tare';

async function main(): Promise<void> {
  const folder = mkdtempSync(join(process.env.TMPDIR ?? tmpdir(), 'tare-unpack-'));
  try {
    const tool = await ensureLayerTool(cache);
    const source = (await findImage(cache))?.rootfs ?? madeUp(join(folder, 'source'));
    execFileSync('tar', ['-cf', join(folder, 'layer.tar'), '-C', source, '.']);
    execFileSync('gzip', ['-k', join(folder, 'layer.tar')]);
    for (const name of ['layer.tar', 'layer.tar.gz']) {
      const file = join(folder, name);
      const ours: number[] = [];
      const theirs: number[] = [];
      for (let turn = -1; turn < turns; turn++) {
        const request = { file, what: name, digest: null, diffId: null, lower: NO_LOWER, tool };
        const mine = await timed(folder, (target) => unpackLayer({ ...request, target }));
        const tars = await timed(folder, (target) => execFileSync('tar', ['-xf', file, '-C', target]));
        // The first turn warms the page cache and the compiler.
        if (turn >= 0) {
          ours.push(mine);
          theirs.push(tars);
        }
      }
      const ratio = ours.map((each, i) => each / (theirs[i] ?? NaN));
      console.log(
        `${name}: ours ${median(ours).toFixed(0)} ms, tar -x ${median(theirs).toFixed(0)} ms, median ratio ${median(ratio).toFixed(2)} (n = ${turns})`,
      );
    }
    await pullSpeed(cache, folder, join(folder, 'layer.tar'), turns);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Unpacked, then removed and flushed, so that one turn's writing does not slow the next. */
async function timed(folder: string, work: (target: string) => unknown): Promise<number> {
  const target = join(folder, 'target');
  mkdirSync(target);
  const begun = performance.now();
  await work(target);
  const ms = performance.now() - begun;
  rmSync(target, { recursive: true });
  execFileSync('sync', ['-f', folder]);
  return ms;
}

function madeUp(root: string): string {
  for (let i = 0; i < 5000; i++) {
    const path = join(root, `d${i % 200}`);
    mkdirSync(path, { recursive: true });
    const word = createHash('sha256').update(String(i)).digest();
    writeFileSync(join(path, `f${i}`), Buffer.alloc(42_000, word));
  }
  return root;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

await main();
