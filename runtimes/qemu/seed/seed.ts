/** The serial number by which a guest's udev names our root disk: /dev/disk/by-id/virtio-<serial>. */
export const TOOLS_SERIAL = 'tare-tools';

/** A volume of this name is cloud-init's data source "NoCloud". */
export const SEED_LABEL = 'CIDATA';
/** Our static program's name on the seed. */
export const PROGRAM_NAME = 'tare-guest';
/** Where the seed is mounted in the guest. */
const SEED_FOLDER = '/run/tare-seed';

/** What a guest of a user's image is told by its seed. */
export interface SeedRequest {
  /** Another one makes cloud-init do its per-instance work again. */
  instanceId: string;
  mac: string;
  /** Address with prefix, "198.18.0.2/30". */
  address: string;
  gateway: string;
  mtu: number;
}

/** File name → text, as cloud-init's NoCloud source reads them. Pure. */
export function seedFiles(request: SeedRequest): Record<string, string> {
  return {
    'meta-data': `instance-id: ${request.instanceId}\nlocal-hostname: tare\n`,
    'user-data': USER_DATA,
    'network-config': networkConfig(request),
    start: START_SCRIPT,
  };
}

/**
 * bootcmd runs at every boot and needs nothing installed. The disk keeps its size and no package is fetched: a machine in
 * its own network could not, and would wait for it.
 */
const USER_DATA = `#cloud-config
growpart: {mode: "off"}
resize_rootfs: false
package_update: false
package_upgrade: false
bootcmd:
  - - sh
    - -c
    - mkdir -p ${SEED_FOLDER} && mount -o ro LABEL=${SEED_LABEL} ${SEED_FOLDER} && sh ${SEED_FOLDER}/start
`;

/**
 * Our program starts when everything that the image's own init has to start was started: a trial that began earlier would
 * be measured beside the rest of the boot.
 */
const START_SCRIPT = `set -u
program=${SEED_FOLDER}/${PROGRAM_NAME}
tools=/dev/disk/by-id/virtio-${TOOLS_SERIAL}
if [ -d /run/systemd/system ]; then
  userspace=$(systemctl show --property=UserspaceTimestampMonotonic --value)
  exec systemd-run --quiet --no-block --unit=tare-guest --description='Tare: the way into this machine' \\
    --property=After=multi-user.target --property=After=cloud-final.service --property=OOMScoreAdjust=-900 \\
    "$program" join "$tools" "\${userspace:-0}"
fi
setsid "$program" join "$tools" 0 < /dev/null > /dev/null 2>&1 &
`;

/** cloud-init's network format 2: one card, known by its address, without DHCP, which nobody here would answer. */
function networkConfig(request: SeedRequest): string {
  return `version: 2
ethernets:
  box:
    match: {macaddress: "${request.mac}"}
    dhcp4: false
    dhcp6: false
    link-local: []
    accept-ra: false
    mtu: ${request.mtu}
    addresses: [${request.address}]
    routes: [{to: 0.0.0.0/0, via: ${request.gateway}}]
`;
}
