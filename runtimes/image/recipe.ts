import { createHash } from 'node:crypto';

/** Everything that decides what the guest image is. Its digest names the cached tree. */
export interface Recipe {
  version: number;
  suite: string;
  architecture: string;
  packages: string[];
  /** Lines handed to dpkg, so that documentation and translations stay out. */
  dpkgOptions: string[];
  /** Shell lines run by mmdebstrap on the finished tree; `$1` is the tree. */
  customize: string[];
}

/** Packages whose versions decide the numbers; they are stated in every plan and report. */
export const MEASURING_PACKAGES = [
  'sysbench',
  'iperf',
  'iperf3',
  'libc6',
  'libluajit-5.1-2',
  'qemu-guest-agent',
];

/**
 * The one userland of every arm: Debian 12, the measuring tools, the guest agent and a kernel. Debian 12 whatever the
 * host is, so that numbers from two hosts were measured by the same bytes.
 */
export const DEFAULT_RECIPE: Recipe = {
  version: 1,
  suite: 'bookworm',
  architecture: 'amd64',
  packages: [
    'sysbench',
    'iperf',
    'iperf3',
    'qemu-guest-agent',
    'linux-image-cloud-amd64',
    'kmod',
    'iproute2',
    'busybox-static',
  ],
  dpkgOptions: [
    'path-exclude=/usr/share/doc/*',
    'path-exclude=/usr/share/man/*',
    'path-exclude=/usr/share/locale/*',
  ],
  customize: [
    // /data is where workloads put their files; every arm mounts or makes its own storage there.
    'mkdir -p "$1/data"',
    // The distribution's initramfs is never booted: the VMs have a minimal one of their own.
    'rm -f "$1"/boot/initrd.img-*',
    // Not measured, and different on every build.
    'rm -rf "$1"/var/log/*.log "$1"/var/log/apt "$1"/var/cache/ldconfig "$1"/var/lib/apt/lists/*',
  ],
};

/** sha256 hex over the recipe's canonical JSON. */
export function recipeDigest(recipe: Recipe): string {
  return createHash('sha256').update(JSON.stringify(recipe)).digest('hex');
}

/** The mmdebstrap command line that makes `target` from the recipe and the given apt sources. */
export function mmdebstrapArgv(recipe: Recipe, target: string, sources: string[]): string[] {
  return [
    'mmdebstrap',
    '--quiet',
    '--variant=apt',
    '--format=directory',
    '--skip=check/qemu',
    `--architectures=${recipe.architecture}`,
    `--include=${recipe.packages.join(',')}`,
    '--aptopt=Apt::Install-Recommends "false"',
    ...recipe.dpkgOptions.map((line) => `--dpkgopt=${line}`),
    ...recipe.customize.map((line) => `--customize-hook=${line}`),
    recipe.suite,
    target,
    ...sources,
  ];
}
