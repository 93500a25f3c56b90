import * as assert from 'uvu/assert';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changedRecipe } from '../../../runtimes/image/arm-image.ts';
import {
  imageLabel,
  imageOptionSchema,
  imageSource,
  resolveImage,
} from '../../../runtimes/image/image-source.ts';
import { DEFAULT_RECIPE, recipeDigest } from '../../../runtimes/image/recipe.ts';
import { describeTree, makeMountPoints, pathInside } from '../../../runtimes/image/tree.ts';
import { suite } from '../../suite.ts';

const test = suite('where the image of an arm comes from');

test('a text is a tarball, a disk or a name of the store', () => {
  const kind = (text: string): string => imageSource(text).kind;
  for (const text of ['a.tar', 'x/y.tar.gz', 'z.tgz', './rootfs', '../r', '/abs/rootfs'])
    assert.is(kind(text), 'tarball');
  for (const text of ['cloud.qcow2', '/x/disk.raw', 'a.img']) assert.is(kind(text), 'disk');
  for (const text of ['debian:12', 'docker.io/library/alpine', 'sha256:0123', 'tare/test'])
    assert.is(kind(text), 'reference');
});

test('files are relative to the matrix file’s folder, names of the store are not', () => {
  assert.is(resolveImage('old.tar', '/m'), '/m/old.tar');
  assert.is(resolveImage('../disks/a.qcow2', '/m/x'), '/m/disks/a.qcow2');
  assert.is(resolveImage('/abs/a.tar', '/m'), '/abs/a.tar');
  assert.is(resolveImage('debian:12', '/m'), 'debian:12');
  assert.is(imageLabel('/home/me/build/old.tar.gz'), 'image build/old.tar.gz');
});

test('a changed recipe is another image, whatever the order of its packages; one that changes nothing is refused', () => {
  const one = changedRecipe({ packages: ['stress-ng', 'fio', 'sysbench'] });
  assert.is(recipeDigest(one), recipeDigest(changedRecipe({ packages: ['fio', 'stress-ng'] })));
  assert.is.not(recipeDigest(one), recipeDigest(DEFAULT_RECIPE));
  assert.is(changedRecipe({ suite: 'trixie' }).suite, 'trixie');
  assert.is(imageOptionSchema.safeParse({}).success, false);
  assert.is(imageOptionSchema.safeParse({ packages: ['-oDebug::x=1'] }).success, false);
  assert.is(imageLabel({ suite: 'trixie', packages: ['fio'] }), 'image trixie +fio');
});

test('mount points are made inside the tree only: no link of an image leads out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tare-tree-'));
  try {
    const outside = join(folder, 'outside');
    const rootfs = join(folder, 'rootfs');
    mkdirSync(outside);
    mkdirSync(join(rootfs, 'etc'), { recursive: true });
    writeFileSync(join(outside, 'os-release'), 'VERSION_CODENAME=stolen\n');
    symlinkSync(outside, join(rootfs, 'var'));
    symlinkSync('../../outside', join(rootfs, 'data'));
    symlinkSync(join(outside, 'os-release'), join(rootfs, 'etc/os-release'));
    await makeMountPoints(rootfs);
    assert.is(existsSync(join(outside, 'tmp')), false);
    assert.is(statSync(join(rootfs, 'tmp')).isDirectory(), true);
    assert.is(pathInside(rootfs, 'etc/os-release'), undefined);
    assert.equal(await describeTree(rootfs), { rootfs, kernelRelease: '', suite: '', packages: {} });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
