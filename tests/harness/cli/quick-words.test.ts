import { Command } from 'commander';
import * as assert from 'uvu/assert';
import { OCI_VERBS } from '../../../harness/cli/oci.ts';
import { GLOBAL_OPTIONS } from '../../../harness/cli/oci/global-options.ts';
import type { OciOption } from '../../../harness/cli/oci/oci-verb.ts';
import { quickWords } from '../../../harness/cli/oci/quick-words.ts';
import { suite } from '../../suite.ts';

const test = suite('the quick reader of tare-oci');

const quick = (line: string) => quickWords(line.split(' '), GLOBAL_OPTIONS, OCI_VERBS);

/** The same line as commander reads it; null when it has something to say. */
function slow(line: string): { globals: object; options: object; words: string[] } | null {
  let read: ReturnType<typeof slow> = null;
  const group = new Command('oci').enablePositionalOptions().exitOverride();
  group.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  const add = (command: Command, { flags, help, parse, ...rest }: OciOption): void =>
    void (parse
      ? command.option(flags, help, parse, rest.default)
      : command.option(flags, help, rest.default));
  for (const option of GLOBAL_OPTIONS) add(group, option);
  for (const verb of OCI_VERBS) {
    const command = group.command(verb.usage).copyInheritedSettings(group);
    command.passThroughOptions(verb.passThrough ?? false);
    for (const option of verb.options ?? []) add(command, option);
    command.action(() => {
      read = { globals: group.opts(), options: command.opts(), words: command.args };
    });
  }
  try {
    group.parse(line.split(' '), { from: 'user' });
    return read;
  } catch {
    return null;
  }
}

/** What engines call, as seen in the logs of containerd's shim and conmon. */
const CALLS = [
  '--root /run/x --log /l.json --log-format json create --bundle /b --pid-file /p web',
  '--root /run/x --log /l.json --log-format json --systemd-cgroup create --bundle /b --console-socket /s web',
  '--root=/run/x create -b /b --preserve-fds 2 --no-pivot --no-new-keyring web',
  'create web --bundle /b',
  'start web',
  '--root /r state web',
  'kill web 9',
  'kill --all web KILL',
  'kill -a web',
  'delete --force web',
  'delete web',
  'pause web',
  'resume web',
  'run --detach --keep web',
  'events --stats web',
  'update --resources - web',
  '--criu /usr/sbin/criu list --format json',
];

test('it reads what engines call as commander does', () => {
  for (const line of CALLS) {
    const read = quick(line);
    const whole = slow(line);
    assert.ok(whole, `commander refuses: ${line}`);
    // `list` has no argument, and is not called often.
    if (line.includes(' list ')) continue;
    assert.ok(read, line);
    assert.equal({ globals: read.globals, options: read.options, words: read.words }, whole, line);
  }
});

test('what is not plain is left to commander', () => {
  for (const line of [
    'start',
    'start web too-much',
    'strat web',
    'create --bundel /b web',
    'create --bundle',
    'create --bundle --pid-file web',
    'create --preserve-fds many web',
    'create -b/b web',
    'kill -af web',
    'kill -- web',
    'kill --all=yes web',
    '--help',
    'start --help',
    '--version',
    'exec web ls -l',
    '--root',
  ])
    assert.is(quick(line), null, line);
});

test.run();
