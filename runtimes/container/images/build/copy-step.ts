import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DockerIgnore } from '../dockerfile/docker-ignore.ts';
import { heredocText } from '../dockerfile/heredoc.ts';
import type { Instruction } from '../dockerfile/instruction.ts';
import { isUrl } from '../dockerfile/parse.ts';
import { dockerfileError, type Place } from '../dockerfile/problem.ts';
import { LayerStack } from '../layer/lower-view.ts';
import { rawFromText } from '../tar/entry.ts';
import { parseOwner } from './accounts.ts';
import { ArchiveExpander } from './add-archive.ts';
import { stepKey } from './build-cache.ts';
import { madeSec, sourceNamed, type BuildSession } from './build-session.ts';
import { contentDigest } from './content-digest.ts';
import { copyItems, type LooseFile } from './copy.ts';
import { fetchUrl } from './fetch-url.ts';
import { parseMode } from './file-mode.ts';
import { layerStep, packItems } from './layer-step.ts';
import { stackOf, topOf, type StageState } from './stage-state.ts';

const HEREDOC_MODE = 0o644;
/** As Docker gives what it fetched. */
const FETCHED_MODE = 0o600;

/** COPY and ADD. */
export async function copyStep(
  session: BuildSession,
  state: StageState,
  step: Instruction & { name: 'COPY' | 'ADD' },
  index: number,
  place: Place,
  value: (text: string) => string,
): Promise<void> {
  const { store } = session.tools;
  const below = stackOf(state);
  // With --link the destination is taken as it stands, whatever the image has there.
  const image = step.link ? new LayerStack([]) : below;
  const source =
    step.from === undefined ? session.context : await sourceNamed(session, value(step.from), index);
  const archives = new ArchiveExpander(join(store.root, 'partial'), place);
  const scratch = await mkdtemp(join(store.root, 'partial', 'loose-'));
  try {
    const sources = step.sources.map((each) => value(each));
    const url = sources.find(isUrl);
    if (step.name === 'COPY' && url !== undefined)
      throw dockerfileError(place, `COPY of '${url}': only files are copied`, 'ADD fetches URLs');
    if (step.checksum !== undefined && url === undefined)
      throw dockerfileError(place, '--checksum goes with a single URL');
    const loose = [
      ...(await heredocFiles(step, scratch, value, madeSec(session))),
      ...(await fetchedFiles(session, { ...step, sources: sources.filter(isUrl) }, scratch, place, value)),
    ];
    const items = await copyItems(
      {
        sources: sources.filter((each) => !isUrl(each)),
        loose,
        target: value(step.target),
        workdir: state.config.config.WorkingDir ?? '/',
        owner: step.chown === undefined ? undefined : parseOwner(value(step.chown), below, place),
        mode: step.chmod === undefined ? undefined : parseMode(value(step.chmod), place),
        exclude: new DockerIgnore(step.exclude.map((each) => value(each)).join('\n')),
        parents: step.parents,
        place,
        madeSec: madeSec(session),
      },
      source,
      image,
      step.name === 'ADD' ? (content, target) => archives.expand(content, target) : undefined,
    );
    const key = stepKey({
      step: 'COPY',
      below: step.link ? '' : topOf(state),
      content: await contentDigest(items),
    });
    await layerStep(session, state, { text: step.text, key }, () => packItems(session, items));
  } finally {
    await archives.discard();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function heredocFiles(
  { heredocs }: Instruction & { name: 'COPY' | 'ADD' },
  scratch: string,
  value: (text: string) => string,
  mtimeSec: number,
): Promise<LooseFile[]> {
  const files: LooseFile[] = [];
  for (const [index, heredoc] of heredocs.entries()) {
    const path = join(scratch, `heredoc-${index}`);
    const written = heredocText(heredoc);
    // Quotes mean nothing in a file's text: line by line, so that an apostrophe is no quote.
    const text = Buffer.from(heredoc.expanded ? expandedText(written, value) : written);
    await writeFile(path, text, { mode: 0o600 });
    files.push({ path, name: rawFromText(heredoc.name), size: text.length, mode: HEREDOC_MODE, mtimeSec });
  }
  return files;
}

/** Variables of a text in which quotes are letters. */
function expandedText(text: string, value: (text: string) => string): string {
  return text.replace(/\\\$|\$(?:[A-Za-z_]\w*|\{[^}\n]*\})/g, (found) =>
    found.startsWith('\\') ? '$' : value(found),
  );
}

async function fetchedFiles(
  { request, tools }: BuildSession,
  step: Instruction & { name: 'COPY' | 'ADD' },
  scratch: string,
  place: Place,
  value: (text: string) => string,
): Promise<LooseFile[]> {
  const files: LooseFile[] = [];
  for (const [index, address] of step.sources.entries()) {
    const path = join(scratch, `fetched-${index}`);
    const checksum = step.checksum === undefined ? undefined : value(step.checksum);
    tools.say(`  fetching ${address}`);
    const { name, size, mtimeSec } = await fetchUrl(address, path, checksum, place, request.signal);
    if (name === '' && value(step.target).endsWith('/'))
      throw dockerfileError(place, `'${address}' names no file`, 'give the destination a file name');
    files.push({ path, name: rawFromText(name), size, mode: FETCHED_MODE, mtimeSec });
  }
  return files;
}
