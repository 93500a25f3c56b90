import * as z from 'zod';

/**
 * The OCI runtime configuration (runtime-spec 1.3, config.json), as far as Linux goes. Unknown keys are allowed, as the
 * specification asks; what we do not act on is listed in docs/container-runtime.md. Parsed once, at the door.
 */
const id = z.int().min(0).max(0xffffffff);
const mapping = z.looseObject({ containerID: id, hostID: id, size: id });
export type IdMapping = z.infer<typeof mapping>;

const user = z.looseObject({
  uid: id.default(0),
  gid: id.default(0),
  umask: z.int().min(0).max(0o777).optional(),
  additionalGids: z.array(id).nullish(),
});

const capabilities = z.looseObject({
  bounding: z.array(z.string()).nullish(),
  effective: z.array(z.string()).nullish(),
  permitted: z.array(z.string()).nullish(),
  inheritable: z.array(z.string()).nullish(),
  ambient: z.array(z.string()).nullish(),
});

/** Limits may be up to 2^64 − 1, which JSON numbers lose: the largest doubles stand for "infinity". */
const rlimit = z.looseObject({ type: z.string(), hard: z.number(), soft: z.number() });

export const processSchema = z.looseObject({
  terminal: z.boolean().nullish(),
  consoleSize: z.looseObject({ height: z.int(), width: z.int() }).nullish(),
  user: user.default({ uid: 0, gid: 0 }),
  args: z.array(z.string()).min(1),
  env: z.array(z.string()).nullish(),
  cwd: z.string().startsWith('/'),
  capabilities: capabilities.nullish(),
  rlimits: z.array(rlimit).nullish(),
  noNewPrivileges: z.boolean().nullish(),
  oomScoreAdj: z.int().nullish(),
  apparmorProfile: z.string().nullish(),
  selinuxLabel: z.string().nullish(),
});
export type OciProcess = z.infer<typeof processSchema>;

const mount = z.looseObject({
  destination: z.string().min(1),
  type: z.string().nullish(),
  source: z.string().nullish(),
  options: z.array(z.string()).nullish(),
  uidMappings: z.array(mapping).nullish(),
  gidMappings: z.array(mapping).nullish(),
});
export type OciMount = z.infer<typeof mount>;

const hook = z.looseObject({
  path: z.string().startsWith('/'),
  args: z.array(z.string()).nullish(),
  env: z.array(z.string()).nullish(),
  timeout: z.int().positive().nullish(),
});
export type OciHook = z.infer<typeof hook>;
const hookList = z.array(hook).nullish();

const device = z.looseObject({
  path: z.string().startsWith('/'),
  type: z.enum(['b', 'c', 'u', 'p']),
  major: z.int().nullish(),
  minor: z.int().nullish(),
  fileMode: z.int().nullish(),
  uid: id.nullish(),
  gid: id.nullish(),
});
export type OciDevice = z.infer<typeof device>;

const deviceRule = z.looseObject({
  allow: z.boolean(),
  type: z.string().nullish(),
  major: z.int().nullish(),
  minor: z.int().nullish(),
  access: z.string().nullish(),
});
export type OciDeviceRule = z.infer<typeof deviceRule>;

const throttle = z.array(z.looseObject({ major: z.int(), minor: z.int(), rate: z.number() })).nullish();

const resources = z.looseObject({
  devices: z.array(deviceRule).nullish(),
  memory: z
    .looseObject({
      limit: z.number().nullish(),
      reservation: z.number().nullish(),
      swap: z.number().nullish(),
      disableOOMKiller: z.boolean().nullish(),
    })
    .nullish(),
  cpu: z
    .looseObject({
      shares: z.number().nullish(),
      quota: z.number().nullish(),
      period: z.number().nullish(),
      cpus: z.string().nullish(),
      mems: z.string().nullish(),
    })
    .nullish(),
  pids: z.looseObject({ limit: z.number().nullish() }).nullish(),
  blockIO: z
    .looseObject({
      weight: z.number().nullish(),
      throttleReadBpsDevice: throttle,
      throttleWriteBpsDevice: throttle,
      throttleReadIOPSDevice: throttle,
      throttleWriteIOPSDevice: throttle,
    })
    .nullish(),
  unified: z.record(z.string(), z.string()).nullish(),
});
export type OciResources = z.infer<typeof resources>;

const seccompArg = z.looseObject({
  index: z.int().min(0).max(5),
  value: z.number(),
  valueTwo: z.number().nullish(),
  op: z.string(),
});
const seccompRule = z.looseObject({
  names: z.array(z.string()).min(1),
  action: z.string(),
  errnoRet: z.int().nullish(),
  args: z.array(seccompArg).nullish(),
});
export const seccompSchema = z.looseObject({
  defaultAction: z.string(),
  defaultErrnoRet: z.int().nullish(),
  architectures: z.array(z.string()).nullish(),
  flags: z.array(z.string()).nullish(),
  syscalls: z.array(seccompRule).nullish(),
});
export type OciSeccomp = z.infer<typeof seccompSchema>;

export const NAMESPACE_TYPES = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;
export type NamespaceType = (typeof NAMESPACE_TYPES)[number];

const linux = z.looseObject({
  namespaces: z.array(z.looseObject({ type: z.enum(NAMESPACE_TYPES), path: z.string().nullish() })).nullish(),
  uidMappings: z.array(mapping).nullish(),
  gidMappings: z.array(mapping).nullish(),
  timeOffsets: z
    .record(z.string(), z.looseObject({ secs: z.number().nullish(), nanosecs: z.number().nullish() }))
    .nullish(),
  devices: z.array(device).nullish(),
  cgroupsPath: z.string().nullish(),
  resources: resources.nullish(),
  rootfsPropagation: z.string().nullish(),
  seccomp: seccompSchema.nullish(),
  sysctl: z.record(z.string(), z.string()).nullish(),
  maskedPaths: z.array(z.string()).nullish(),
  readonlyPaths: z.array(z.string()).nullish(),
  mountLabel: z.string().nullish(),
  personality: z.looseObject({ domain: z.string() }).nullish(),
});

export const ociSpecSchema = z.looseObject({
  ociVersion: z.string(),
  process: processSchema.optional(),
  root: z.looseObject({ path: z.string().min(1), readonly: z.boolean().nullish() }),
  hostname: z.string().nullish(),
  domainname: z.string().nullish(),
  mounts: z.array(mount).nullish(),
  hooks: z
    .looseObject({
      prestart: hookList,
      createRuntime: hookList,
      createContainer: hookList,
      startContainer: hookList,
      poststart: hookList,
      poststop: hookList,
    })
    .nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  linux: linux.nullish(),
});
export type OciSpec = z.infer<typeof ociSpecSchema>;
