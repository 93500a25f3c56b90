/** 198.18.0.0/15, reserved for benchmarking (RFC 2544, RFC 6890): collides with no real network. */
export const BENCHMARK_NETWORK = 0xc6120000;
/** A /30 per instance: network, host's side, instance, broadcast. 2^17 addresses make this many. */
export const SUBNETS = 1 << 15;
export const SUBNET_PREFIX = 30;
/** Ethernet's default, the same on every path so that no arm sends larger packets than another. */
export const MTU = 1500;
/** The host's end of the pair, inside the peer's namespace, and the instance's end. */
export const PEER_LINK = 'tare0';
export const INSIDE_LINK = 'eth0';
export const TAP_LINK = 'tap0';
export const BRIDGE_LINK = 'br0';
/** Where iproute2 looks, so that `ip netns` shows ours by name. */
export const NETNS_FOLDER = '/run/netns';
/** How long a peer process is given to end after SIGTERM. */
export const PEER_STOP_MS = 1_000;
/** What programs find; the same everywhere. */
export const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
