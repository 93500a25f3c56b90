import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../../results/package-root.ts';
import { defaultSeccomp } from '../../../../runtimes/container/seccomp/default-profile.ts';
import { acceptConfig } from '../../../../runtimes/container/spec/accept-config.ts';
import { DEFAULT_CAPABILITIES } from '../../../../runtimes/container/spec/capabilities.ts';
import { configJsonSchema } from '../../../../runtimes/container/spec/config-json-schema.ts';
import { defaultSpec } from '../../../../runtimes/container/spec/default-spec.ts';
import { ociSpecSchema } from '../../../../runtimes/container/spec/oci-spec.ts';
import { suite } from '../../../suite.ts';

const test = suite('the quick look at a configuration');

const full = {
  ...defaultSpec({
    rootfs: '/bundle/rootfs',
    argv: ['sh', '-c', 'true'],
    seccomp: defaultSeccomp(DEFAULT_CAPABILITIES),
    cgroupMount: true,
  }),
  hooks: { prestart: [{ path: '/bin/hook', args: ['hook'], timeout: 1 }], poststop: null },
  annotations: { a: 'b' },
  future: { anything: [1, null] },
};

test('the schema it checks by is generated from the one that decides', () => {
  const file = packagePath('runtimes', 'container', 'spec', 'oci-spec.schema.json');
  assert.is(readFileSync(file, 'utf8'), configJsonSchema(), 'npm run build:schema');
});

test('an engine’s configuration is accepted without a second look, and defaults are filled in', () => {
  const told = JSON.parse(JSON.stringify(full)) as unknown;
  assert.equal(acceptConfig(told), ociSpecSchema.parse(told));
  const small = { ociVersion: '1.3.0', root: { path: 'rootfs' }, process: { args: ['sh'], cwd: '/' } };
  assert.equal(acceptConfig(small)?.process?.user, { uid: 0, gid: 0 });
});

/** Every place in a value, as the keys that lead there. */
function placesOf(value: unknown, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, each]) => placesOf(each, [...at, key]))];
}

/** The configuration with one place replaced, or left out where nothing replaces it. */
function changed(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const inside = (value as Record<string, unknown>)[key];
  const next = changed(inside, rest, by);
  if (Array.isArray(value))
    return value.map((each, index) => (String(index) === key ? next : each) as unknown);
  return { ...(value as object), [key]: next };
}

test('whatever stands at any place: what it accepts the schema accepts, with the same result', () => {
  const plain = JSON.parse(JSON.stringify({ ...full, linux: { ...full.linux, seccomp: null } })) as unknown;
  const places = placesOf(plain);
  const odd = fc.oneof(
    fc.constantFrom<unknown>(
      undefined,
      null,
      true,
      -1,
      0,
      0.5,
      1e400,
      2 ** 53,
      4294967296,
      '',
      'x',
      '/x',
      [],
      {},
    ),
    fc.constantFrom<unknown>([null], [''], { a: 1 }, { path: '/x' }, JSON.parse('{"__proto__":{"uid":1}}')),
    fc.jsonValue(),
  );
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.constantFrom(...places), odd, (place, value) => {
      const told = changed(plain, place, value);
      const quick = acceptConfig(told);
      const slow = ociSpecSchema.safeParse(told);
      if (quick === null) {
        refused++;
        return;
      }
      accepted++;
      assert.ok(slow.success, `${place.join('.')} = ${JSON.stringify(value)} was accepted`);
      // A key that is there and undefined never comes out of JSON.
      assert.equal(JSON.parse(JSON.stringify(quick)), JSON.parse(JSON.stringify(slow.data)));
    }),
    { numRuns: 3000 },
  );
  assert.ok(accepted > 300 && refused > 300, `${accepted} accepted, ${refused} refused: the test sees both`);
});

test.run();
