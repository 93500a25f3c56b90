import { BenchError } from '../../results/bench-error.ts';
import { OPS, type FieldKind, type LaunchPlan, type Op } from './ops.ts';

/** The launcher refuses larger plans (PLAN_MAX_BYTES and PLAN_MAX_OPS in c/plan.h). */
const MAX_BYTES = 8 << 20;
const MAX_OPS = 8192;
const HEADER_BYTES = 16;

/**
 * A plan in the form the launcher reads: "TAREPLN1", number of operations, total length (both u32 LE), then per operation
 * code and argument count (u16 LE) and the arguments, each after a tag byte.
 *
 * @throws BenchError `launch-plan` for a string with a NUL inside or a plan above the launcher's limits.
 */
export function encodePlan(plan: LaunchPlan): Buffer {
  if (plan.length > MAX_OPS)
    throw new BenchError('launch-plan', `a launch plan of ${plan.length} operations is above ${MAX_OPS}`);
  const parts: Buffer[] = [Buffer.alloc(HEADER_BYTES)];
  for (const op of plan) parts.push(...encodeOp(op));
  const bytes = Buffer.concat(parts);
  if (bytes.length > MAX_BYTES)
    throw new BenchError('launch-plan', `a launch plan of ${bytes.length} bytes is above ${MAX_BYTES}`);
  bytes.write('TAREPLN1', 0, 'latin1');
  bytes.writeUInt32LE(plan.length, 8);
  bytes.writeUInt32LE(bytes.length, 12);
  return bytes;
}

function encodeOp(op: Op): Buffer[] {
  const { code, fields } = OPS[op.op] as { code: number; fields: Record<string, FieldKind> };
  const entries = Object.entries(fields);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(entries.length, 2);
  const values = op as unknown as Record<string, unknown>;
  return [head, ...entries.map(([name, kind]) => encodeValue(kind, values[name], `${op.op}.${name}`))];
}

function encodeValue(kind: FieldKind, value: unknown, where: string): Buffer {
  const tag = Buffer.from(kind, 'latin1');
  switch (kind) {
    case 'i': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value as number | bigint)));
      return Buffer.concat([tag, bytes]);
    }
    case 's':
      return Buffer.concat([tag, encodeText(value as string, where)]);
    case 'b':
      return Buffer.concat([tag, u32((value as Uint8Array).length), value as Uint8Array]);
    case 'v': {
      const list = value as readonly string[];
      return Buffer.concat([tag, u32(list.length), ...list.map((text) => encodeText(text, where))]);
    }
  }
}

function encodeText(text: string, where: string): Buffer {
  if (text.includes('\0'))
    throw new BenchError('launch-plan', `${where} holds a NUL character: ${JSON.stringify(text)}`);
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([u32(bytes.length), bytes, Buffer.from([0])]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
