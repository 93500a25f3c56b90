import { tarError, type Segment } from './entry.ts';
import { BLOCK, numeric } from './header.ts';
import { pairs } from './pax.ts';

/** As many as the applying tool takes in one record (native/record.h, MAX_SEGMENTS). */
export const MAX_SEGMENTS = 65536;

/** The pairs in an old GNU sparse header (four, at 386) or extension block (21, at 0); ends at the first empty one. */
export function oldGnuPairs(block: Buffer, from: number, count: number, at: number): Segment[] {
  const map: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const position = from + i * 24;
    if (block[position] === 0) break;
    map.push({ offset: numeric(block, position, 12, at), length: numeric(block, position + 12, 12, at) });
  }
  return map;
}

/**
 * GNU's sparse format 1.0 puts the map in front of the data, as decimal lines padded to a block. Returns undefined while more
 * blocks are needed.
 */
export function map10(blocks: Buffer, at: number): Segment[] | undefined {
  const lines = blocks.toString('latin1').split('\n');
  const count = lines[0] ?? '';
  if (lines.length < 2) return needMore(blocks, at);
  if (!/^[0-9]{1,6}$/.test(count) || Number(count) > MAX_SEGMENTS) throw tarError(at, 'malformed sparse map');
  const wanted = 2 * Number(count);
  if (lines.length < wanted + 2) return needMore(blocks, at);
  return pairs(lines.slice(1, wanted + 1), at);
}

function needMore(blocks: Buffer, at: number): undefined {
  if (blocks.length > MAX_SEGMENTS * 2 * 18 + BLOCK) throw tarError(at, 'sparse map without an end');
  return undefined;
}

/** In order, not overlapping, inside the file, and exactly as much data as is there. Empty stretches are dropped. */
export function checkMap(map: Segment[], size: number, dataLength: number, at: number): Segment[] {
  if (map.length > MAX_SEGMENTS) throw tarError(at, 'sparse map with too many pieces');
  let end = 0;
  let total = 0;
  for (const { offset, length } of map) {
    if (offset < end || length < 0 || offset + length > size)
      throw tarError(at, 'sparse map out of order or bounds');
    end = offset + length;
    total += length;
  }
  if (total !== dataLength) throw tarError(at, 'sparse map and content differ in size');
  return map.filter(({ length }) => length > 0);
}
