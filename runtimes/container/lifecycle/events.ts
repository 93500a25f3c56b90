import {
  appendFileSync,
  existsSync,
  openSync,
  readSync,
  closeSync,
  renameSync,
  statSync,
  watch,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { claimStateFolder, ownFolders } from '../rootless/folders.ts';
import type { ContainerRecord } from './record.ts';

/** One line of JSON per event; of this boot, as the containers' states are. Anybody may follow it by `tail -f`. */
export function eventsFile(): string {
  return join(ownFolders().state, 'events.jsonl');
}
/** Then the file begins anew, and the old one is kept once. */
const MAX_BYTES = 4 << 20;
const FOLLOW_POLL_MS = 200;

const eventSchema = z.looseObject({
  type: z.enum(['container', 'network', 'volume']),
  action: z.string(),
  id: z.string(),
  name: z.string(),
  /** Nanoseconds since the epoch, as text: they do not fit into a JSON number. */
  timeNano: z.string().regex(/^\d+$/),
});
export type LifeEvent = z.infer<typeof eventSchema>;

/** What an event is about. */
export interface EventSubject {
  type: 'container' | 'network' | 'volume';
  id: string;
  name: string;
  image?: string;
}

export function containerSubject(record: Pick<ContainerRecord, 'id' | 'name' | 'image'>): EventSubject {
  return { type: 'container', id: record.id, name: record.name, image: record.image };
}

/** Appends one event, as one write. */
export function announce(subject: EventSubject, action: string, more: Record<string, unknown> = {}): void {
  const timeNano = (
    BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1_000n
  ).toString();
  prepare();
  const event = { ...subject, action, ...more, timeNano };
  appendFileSync(eventsFile(), `${JSON.stringify(event)}\n`, { mode: 0o600 });
}

/** The beginning of the line that a container's supervisor completes when its program has ended. */
export function endingLine(subject: EventSubject): string {
  prepare();
  return JSON.stringify({ ...subject, action: 'die' }).slice(0, -1);
}

function prepare(): void {
  claimStateFolder();
  const size = statSync(eventsFile(), { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_BYTES) renameSync(eventsFile(), `${eventsFile()}.1`);
}

/** Which events are wanted: times in ms since the epoch; of each named filter, any of its values. */
export interface EventFilter {
  sinceMs?: number;
  untilMs?: number;
  filters: ReadonlyMap<string, readonly string[]>;
}

const FILTERS = ['container', 'event', 'image', 'name', 'network', 'type', 'volume'];

/** `--filter event=die` and the like. @throws BenchError `event-filter`. */
export function parseFilters(texts: readonly string[]): Map<string, string[]> {
  const filters = new Map<string, string[]>();
  for (const text of texts) {
    const [key = '', ...value] = text.split('=');
    if (!FILTERS.includes(key) || value.length === 0)
      throw new BenchError('event-filter', `'${text}' is not a filter of events`, {
        hint: `${FILTERS.map((each) => `${each}=…`).join(', ')}, e.g. --filter event=die`,
      });
    filters.set(key, [...(filters.get(key) ?? []), value.join('=')]);
  }
  return filters;
}

/** A time as Docker takes it: seconds since the epoch, an ISO date, or how long ago (10m). Ms since the epoch. */
export function parseTime(text: string, nowMs: number): number {
  const ago = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text);
  if (ago) return nowMs - Number(ago[1]) * { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 }[ago[2] as 's'];
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1e3 : Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw new BenchError('event-time', `'${text}' is not a time`, {
    hint: 'seconds since 1970, a date such as 2026-01-31T12:00:00Z, or how long ago, such as 10m',
  });
}

/** Whether an event is wanted. Pure. */
export function matches(event: LifeEvent, { sinceMs, untilMs, filters }: EventFilter): boolean {
  const ms = Number(BigInt(event.timeNano) / 1_000_000n);
  if ((sinceMs !== undefined && ms < sinceMs) || (untilMs !== undefined && ms > untilMs)) return false;
  return [...filters].every(([key, values]) =>
    values.some((value) => {
      if (key === 'event') return event.action === value;
      if (key === 'type') return event.type === value;
      if (key === 'image') return event.image === value;
      if (key !== 'name' && event.type !== key) return false;
      return event.name === value || event.id === value || (value.length >= 4 && event.id.startsWith(value));
    }),
  );
}

/** Lines of a file of events; one that is cut off or no event is left out. */
export function parseEvents(text: string): LifeEvent[] {
  return text.split('\n').flatMap((line) => {
    try {
      const parsed = eventSchema.safeParse(JSON.parse(line));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
}

/** Past events that are wanted, then new ones as they come, until the signal or the end of the wanted time. */
export async function followEvents(
  filter: EventFilter,
  take: (event: LifeEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const give = (text: string): void => {
    for (const event of parseEvents(text)) if (matches(event, filter)) take(event);
  };
  prepare();
  if (!existsSync(eventsFile())) appendFileSync(eventsFile(), '', { mode: 0o600 });
  if (filter.sinceMs !== undefined) give(readText(`${eventsFile()}.1`) ?? '');
  let woken = new AbortController();
  const watcher = watch(dirname(eventsFile()), (_kind, name) => {
    if (name === null || eventsFile().endsWith(`/${name}`)) woken.abort();
  });
  try {
    let at = filter.sinceMs === undefined ? statSync(eventsFile()).size : 0;
    for (let rest = ''; ;) {
      const size = statSync(eventsFile(), { throwIfNoEntry: false })?.size ?? 0;
      if (size < at) at = 0; // begun anew
      const text = rest + readFrom(at, size);
      at = size;
      const whole = text.lastIndexOf('\n') + 1;
      give(text.slice(0, whole));
      rest = text.slice(whole);
      if (signal.aborted || (filter.untilMs !== undefined && Date.now() >= filter.untilMs)) return;
      const pause = Math.min(FOLLOW_POLL_MS, Math.max(1, (filter.untilMs ?? Infinity) - Date.now()));
      await sleep(pause, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(
        () => undefined,
      );
      woken = new AbortController();
    }
  } finally {
    watcher.close();
  }
}

function readFrom(from: number, to: number): string {
  if (to <= from) return '';
  const bytes = Buffer.alloc(to - from);
  const fd = openSync(eventsFile(), 'r');
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, from));
  } finally {
    closeSync(fd);
  }
}
