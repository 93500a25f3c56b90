import { BenchError } from '../../../results/bench-error.ts';
import { formatIpv4 } from '../../launch/describe.ts';

/** A block of IPv4 addresses; the base is a number with the host bits zero. */
export interface Block {
  base: number;
  prefix: number;
}

/** Where subnets of user networks come from: the half of the benchmarking block that the default bridge has not. */
export const POOL: Block = { base: 0xc6120000, prefix: 16 };
/** 254 containers on a network of one's own. */
export const SUBNET_PREFIX = 24;

export function blockSize(prefix: number): number {
  return 2 ** (32 - prefix);
}

export function overlaps(a: Block, b: Block): boolean {
  return a.base < b.base + blockSize(b.prefix) && b.base < a.base + blockSize(a.prefix);
}

/** The first address belongs to the bridge. */
export function gatewayOf(block: Block): number {
  return block.base + 1;
}

export function formatBlock(block: Block): string {
  return `${formatIpv4(block.base)}/${block.prefix}`;
}

export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** 198.18.7.0/24, with room for a gateway and a container. @throws BenchError `subnet-syntax`. */
export function parseBlock(text: string): Block {
  const [address = '', length = ''] = text.split('/');
  const number = parseIpv4(address);
  const prefix = /^\d{1,2}$/.test(length) ? Number(length) : NaN;
  if (number === undefined || !(prefix >= 8 && prefix <= 30) || number % blockSize(prefix) !== 0)
    throw new BenchError('subnet-syntax', `'${text}' is not a subnet`, {
      hint: 'address/length with the host bits zero, e.g. 198.18.7.0/24',
    });
  return { base: number, prefix };
}

/** The lowest subnet of the pool that touches none of the others. @throws BenchError `network-full`. */
export function chooseSubnet(taken: readonly Block[]): Block {
  for (let base = POOL.base; base < POOL.base + blockSize(POOL.prefix); base += blockSize(SUBNET_PREFIX)) {
    const block = { base, prefix: SUBNET_PREFIX };
    if (!taken.some((each) => overlaps(each, block))) return block;
  }
  throw new BenchError('network-full', `no subnet of ${formatBlock(POOL)} is free`, {
    hint: 'bench container network prune, or --subnet with one of your own',
  });
}

/** The lowest address of a subnet that nobody has. @throws BenchError `network-full`. */
export function freeAddress(block: Block, taken: readonly (string | null)[]): number {
  const last = block.base + blockSize(block.prefix) - 2;
  for (let number = gatewayOf(block) + 1; number <= last; number++)
    if (!taken.includes(formatIpv4(number))) return number;
  throw new BenchError('network-full', `every address of ${formatBlock(block)} is taken`);
}

/** Networks the host has routes to, of /proc/net/route; the default route is none. Pure. */
export function routedBlocks(table: string): Block[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .flatMap(([, destination = '', , , , , , mask = '']) => {
      const base = littleEndian(destination);
      const bits = littleEndian(mask);
      return base === undefined || bits === undefined || bits === 0
        ? []
        : [{ base, prefix: 32 - Math.log2(2 ** 32 - bits) }];
    });
}

function littleEndian(hex: string): number | undefined {
  return /^[0-9A-F]{8}$/i.test(hex) ? Buffer.from(hex, 'hex').readUInt32LE() : undefined;
}
