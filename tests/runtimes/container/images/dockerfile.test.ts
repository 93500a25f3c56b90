import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { suite } from '../../../suite.ts';
import { parseMode } from '../../../../runtimes/container/images/build/file-mode.ts';
import { runCommand } from '../../../../runtimes/container/images/build/run-step.ts';
import { BenchError } from '../../../../results/bench-error.ts';
import { neededStages, targetStage } from '../../../../runtimes/container/images/build/needed-stages.ts';
import { configAfter } from '../../../../runtimes/container/images/build/config-step.ts';
import { applyChanges } from '../../../../runtimes/container/images/build/apply-changes.ts';
import { DockerIgnore, globPattern } from '../../../../runtimes/container/images/dockerfile/docker-ignore.ts';
import { expand } from '../../../../runtimes/container/images/dockerfile/expand.ts';
import { parseDockerfile, parseInstruction } from '../../../../runtimes/container/images/dockerfile/parse.ts';

const test = suite('Dockerfile');
const PLACE = { file: 'Dockerfile', line: 1 };
const parse = (text: string) => parseDockerfile(text, 'Dockerfile');
const steps = (text: string) => parse(`FROM scratch\n${text}`).stages[0]?.steps ?? [];

test('joins continued lines, leaves comments out, counts lines from the first', () => {
  const [run, env] = steps('# a comment\nRUN one \\\n  # inside\n\n  two \\\n  three\n\nENV A=1');
  assert.is(run?.line, 3);
  assert.equal(run?.name === 'RUN' && run.command, { form: 'shell', text: 'one   two   three' });
  assert.is(env?.line, 9);
});

test('the escape directive changes what continues a line', () => {
  const file = parse('# escape=`\nFROM scratch\nCOPY C:\\x `\n y');
  const [copy] = file.stages[0]?.steps ?? [];
  assert.equal(copy?.name === 'COPY' && [copy.sources, copy.target], [['C:\\x'], 'y']);
});

for (const [label, text, message, hint] of [
  [
    'a misspelt instruction',
    'FROM scratch\nCOPPY a b',
    "Dockerfile:2: unknown instruction 'COPPY'",
    'did you mean COPY?',
  ],
  [
    'a misspelt flag',
    'FROM scratch\n\nCOPY --chwon=1 a b',
    'Dockerfile:3: COPY has no flag --chwon',
    'did you mean chown?',
  ],
  ['no FROM', '# nothing\n', 'Dockerfile:1: has no FROM', 'FROM scratch'],
  [
    'an instruction before FROM',
    'ENV A=1\nFROM scratch',
    'Dockerfile:1: ENV before the first FROM',
    'only ARG',
  ],
  ['COPY without destination', 'FROM scratch\nCOPY a', 'Dockerfile:2: COPY needs at least one source', ''],
  [
    'a stage named twice',
    'FROM scratch AS a\nFROM scratch AS A',
    "Dockerfile:2: there is a stage 'a' already",
    '',
  ],
  ['ENV without value', 'FROM scratch\nENV A', 'Dockerfile:2: ENV needs NAME=value', ''],
  ['an open quote', 'FROM scratch\nENV A="x', 'Dockerfile:2: a " is not closed', ''],
  ['SHELL that is no array', 'FROM scratch\nSHELL /bin/sh', 'Dockerfile:2: SHELL needs a JSON array', ''],
  ['an open here-document', 'FROM scratch\nRUN <<EOF\nx', 'Dockerfile:2: the here-document EOF', 'EOF'],
  ['COPY of a URL', 'FROM scratch\nCOPY https://x/y /', "Dockerfile:2: COPY of 'https://x/y'", 'ADD'],
  ['ADD of a repository', 'FROM scratch\nADD https://x/y.git /', 'Dockerfile:2: ADD of', 'RUN'],
  ['a checksum of files', 'FROM scratch\nADD --checksum=sha256:0 a /', 'Dockerfile:2: --checksum', ''],
  ['an odd flag value', 'FROM scratch\nCOPY --link=maybe a /', "Dockerfile:2: 'maybe' is neither", ''],
  ['ONBUILD FROM', 'FROM scratch\nONBUILD FROM x', 'Dockerfile:2: ONBUILD FROM is not allowed', ''],
  [
    'a mount nowhere',
    'FROM scratch\nRUN --mount=type=cache x',
    'Dockerfile:2: a cache mount needs a target',
    '',
  ],
  [
    'an unknown mount',
    'FROM scratch\nRUN --mount=type=chache x',
    'Dockerfile:2: RUN --mount=type=chache',
    'cache',
  ],
  [
    'an ssh mount',
    'FROM scratch\nRUN --mount=type=ssh x',
    'Dockerfile:2: RUN --mount=type=ssh is not',
    'bind',
  ],
  [
    'an unknown word of a mount',
    'FROM scratch\nRUN --mount=type=tmpfs,targte=/x x',
    "Dockerfile:2: a tmpfs mount has no 'targte'",
    'did you mean target?',
  ],
] as const)
  test(`tells file, line and remedy: ${label}`, () => {
    try {
      parse(text);
    } catch (error) {
      assert.instance(error, BenchError);
      assert.ok((error as BenchError).message.startsWith(message), (error as BenchError).message);
      assert.ok(((error as BenchError).hint ?? '').includes(hint), (error as BenchError).hint);
      return;
    }
    assert.unreachable('was accepted');
  });

test('exec and shell forms, flags and JSON operands', () => {
  const [cmd, entry, copy, add, from] = steps(
    'CMD ["a", "b c"]\nENTRYPOINT exec a\nCOPY --from=x --chown=1:2 --chmod=755 ["a b", "c/"]\nADD a b /c/\nRUN --network=host [ "x" ]',
  );
  assert.equal(cmd?.name === 'CMD' && cmd.command, { form: 'exec', argv: ['a', 'b c'] });
  assert.equal(entry?.name === 'ENTRYPOINT' && entry.command, { form: 'shell', text: 'exec a' });
  assert.ok(copy?.name === 'COPY' && copy.from === 'x' && copy.chown === '1:2' && copy.chmod === '755');
  assert.equal(copy?.name === 'COPY' && copy.sources, ['a b']);
  assert.equal(add?.name === 'ADD' && [...add.sources, add.target], ['a', 'b', '/c/']);
  assert.equal(from?.name === 'RUN' && [from.network, from.command], ['host', { form: 'exec', argv: ['x'] }]);
});

test('here-documents: of RUN, COPY and ADD, several in a line, quoted or not; elsewhere << is a word', () => {
  const [run, copy, cat, json, env] = steps(
    [
      'RUN <<EOF',
      '  echo one',
      '# no comment',
      'EOF',
      "COPY <<-A.txt <<'B' c /into/",
      '\tx',
      'A.txt',
      '$y',
      'B',
      'RUN cat <<EOF > /f && \\',
      '  true',
      'text',
      'EOF',
      'RUN ["echo", "<<EOF"]',
      'ENV A=1<<2',
    ].join('\n'),
  );
  assert.ok(run?.name === 'RUN' && run.heredocs[0]?.content === '  echo one\n# no comment\n');
  assert.ok(copy?.name === 'COPY');
  assert.equal(copy.sources, ['c']);
  assert.equal(copy.heredocs, [
    { name: 'A.txt', expanded: true, stripped: true, content: '\tx\n' },
    { name: 'B', expanded: false, stripped: false, content: '$y\n' },
  ]);
  assert.equal(cat?.name === 'RUN' && cat.command, { form: 'shell', text: 'cat <<EOF > /f &&   true' });
  assert.is(cat?.name === 'RUN' && cat.heredocs[0]?.content, 'text\n');
  assert.is(json?.name === 'RUN' && json.heredocs.length, 0);
  assert.equal(env?.name === 'ENV' && env.pairs, [['A', '1<<2']]);
});

test('a here-document alone is the script, after a command it is the shell’s to read', () => {
  const of = (text: string) => {
    const [run] = steps(text);
    if (run?.name !== 'RUN') throw new Error('no RUN');
    return runCommand(run.command, run.heredocs, {});
  };
  assert.equal(of('RUN <<EOF\na\nb\nEOF'), { argv: ['/bin/sh', '-c', 'a\nb\n'], script: undefined });
  assert.equal(of('RUN <<-EOF\n\ta\n\tEOF').argv, ['/bin/sh', '-c', 'a\n']);
  assert.equal(of('RUN tr a b <<-EOF\n\ta\n\tEOF').argv, ['/bin/sh', '-c', 'tr a b <<-EOF\n\ta\nEOF']);
  const python = of('RUN <<EOF\n#!/usr/bin/python3\nprint(1)\nEOF');
  assert.equal(python.argv, ['/dev/pipes/EOF']);
  assert.is(python.script?.text, '#!/usr/bin/python3\nprint(1)\n');
});

test('mounts of RUN', () => {
  const [run] = steps(
    'RUN --mount=type=cache,target=/c,sharing=locked,uid=5 --mount=target=/b,from=x,src=d,rw --mount=type=tmpfs,dst=/t,size=2m --mount=type=secret,id=k,env=K,required make',
  );
  assert.ok(run?.name === 'RUN');
  assert.equal(run.mounts, [
    { type: 'cache', target: '/c', id: '/c', writable: true, exclusive: true, mode: 0o755, uid: 5, gid: 0 },
    { type: 'bind', target: '/b', source: 'd', from: 'x', writable: true },
    { type: 'tmpfs', target: '/t', sizeBytes: 2 << 20 },
    { type: 'secret', id: 'k', target: undefined, env: 'K', required: true, mode: 0o400, uid: 0, gid: 0 },
  ]);
});

test('symbolic modes are those of chmod', () => {
  const place = { file: 'Dockerfile', line: 1 };
  for (const [text, from, directory, to] of [
    ['755', 0o600, false, 0o755],
    ['u=rwX,go=rX', 0o600, false, 0o644],
    ['u=rwX,go=rX', 0o600, true, 0o755],
    ['+x', 0o644, false, 0o755],
    ['go-w', 0o666, false, 0o644],
    ['u+s', 0o755, false, 0o4755],
    ['a=r', 0o777, false, 0o444],
  ] as const)
    assert.is(parseMode(text, place)(from, directory), to, `${text} on ${from.toString(8)}`);
  assert.throws(() => parseMode('u=q', place), /no mode/);
});

test('HEALTHCHECK is noted with durations in nanoseconds', () => {
  const [check, none] = steps(
    'HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD ["true"]\nHEALTHCHECK NONE',
  );
  assert.equal(check?.name === 'HEALTHCHECK' && check.healthcheck, {
    Test: ['CMD', 'true'],
    Interval: 90e9,
    Timeout: 0.5e9,
    Retries: 3,
  });
  assert.equal(none?.name === 'HEALTHCHECK' && none.healthcheck, { Test: ['NONE'] });
});

for (const [text, expected] of [
  ['$A-${A}', 'one-one'],
  ['${NONE:-def $A}', 'def one'],
  ['${EMPTY:-def}|${EMPTY-def}|', 'def||'],
  ['${A:+yes}${NONE:+no}', 'yes'],
  ['\\$A', '$A'],
  ['\'$A\' "$A"', '$A one'],
  ['"a\\"b\\c"', 'a"b\\c'],
  ['a\\ b', 'a b'],
  ['$', '$'],
  ['${A}}', 'one}'],
] as const)
  test(`expands ${text}`, () => {
    const values: Record<string, string> = { A: 'one', EMPTY: '' };
    assert.is(
      expand(text, (name) => values[name], '\\', PLACE),
      expected,
    );
  });

test('bad substitutions are refused', () => {
  for (const text of ['${A', '${}', '${A!x}', '${A:?missing}x', "'open", '"open'])
    assert.throws(
      () => expand(text, () => undefined, '\\', PLACE),
      (error: unknown) => error instanceof BenchError,
    );
});

test('text without $, quotes and escapes is left as it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/[$'"\\]/.test(text));
      return expand(text, () => 'never', '\\', PLACE) === text;
    }),
  );
});

test('any text is parsed or refused with a BenchError', () => {
  const word = fc.constantFrom(
    'FROM',
    'scratch',
    'AS',
    'RUN',
    'COPY',
    '--from=a',
    '[',
    '"x"',
    ']',
    '\\\n',
    '\n',
    '#',
    'ENV',
    'A=1',
    '$A',
    "'",
    ' ',
    'ARG',
    'HEALTHCHECK',
    'CMD',
    'EXPOSE',
    '80/tcp',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      try {
        parse(words.join(' '));
      } catch (error) {
        assert.instance(error, BenchError);
      }
    }),
    { numRuns: 500 },
  );
});

test('only the stages that the target needs are built', () => {
  const file = parse(
    'FROM scratch AS base\nFROM scratch AS unused\nFROM base AS mid\nFROM scratch\nCOPY --from=mid a b\nCOPY --from=0 a b',
  );
  assert.equal(neededStages(file, targetStage(file, undefined)), [0, 2, 3]);
  assert.equal(neededStages(file, targetStage(file, 'unused')), [1]);
  assert.throws(
    () => targetStage(file, 'unsed'),
    (error: BenchError) => error.hint === 'did you mean unused?',
  );
  const late = parse('FROM scratch AS a\nCOPY --from=b x y\nFROM scratch AS b');
  assert.throws(() => neededStages(late, 0), /comes only later/);
});

test('.dockerignore: later lines overrule, ** crosses directories, a directory covers what it holds', () => {
  const ignore = new DockerIgnore('# c\n*.log\n**/tmp\n/build/\n!build/keep.txt\n!important.log\n');
  for (const path of ['a.log', 'tmp', 'x/y/tmp', 'x/tmp/z', 'build/a', 'build'])
    assert.ok(ignore.ignores(path), path);
  for (const path of ['x/a.log', 'important.log', 'build/keep.txt', 'a.txt', 'tmpx'])
    assert.not.ok(ignore.ignores(path), path);
});

test('patterns match as Go’s filepath.Match', () => {
  assert.ok(globPattern('a?c[0-9]*.txt').test('abc7xyz.txt'));
  assert.not.ok(globPattern('a*').test('a/b'));
  assert.ok(globPattern('**/x').test('x') && globPattern('**/x').test('a/b/x'));
  assert.not.ok(globPattern('a.c').test('abc'));
  assert.ok(globPattern('\\*').test('*'));
});

test('instructions change the config as Docker’s do', () => {
  const changed = applyChanges({ Cmd: ['old'], Env: ['A=1', 'B=2'] }, [
    'ENV A=3 C="x $A"',
    'ENTRYPOINT ["e"]',
    'EXPOSE 80 90-91/udp',
    'VOLUME ["/data", "/more"]',
    'LABEL a=b "c d"=e',
    'WORKDIR /srv',
    'WORKDIR app',
    'STOPSIGNAL SIGUSR1',
    'USER 5:6',
    'SHELL ["/bin/bash", "-c"]',
    'CMD go',
  ]);
  assert.equal(
    { ...changed },
    {
      Cmd: ['/bin/bash', '-c', 'go'],
      Entrypoint: ['e'],
      Env: ['A=3', 'B=2', 'C=x 1'],
      ExposedPorts: { '80/tcp': {}, '90/udp': {}, '91/udp': {} },
      Volumes: { '/data': {}, '/more': {} },
      Labels: { a: 'b', 'c d': 'e' },
      WorkingDir: '/srv/app',
      StopSignal: 'SIGUSR1',
      User: '5:6',
      Shell: ['/bin/bash', '-c'],
    },
  );
  assert.throws(() => applyChanges({}, ['RUN x']), /cannot be applied/);
  assert.throws(() => applyChanges({}, ['EXPOSE 99999']), /no port/);
  const copy = parseInstruction('COPY a b', PLACE, '\\');
  assert.is(
    configAfter(copy, {}, (text) => text, PLACE, '\\'),
    undefined,
  );
});

test.run();
