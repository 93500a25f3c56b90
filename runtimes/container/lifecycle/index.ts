/** What `bench container` calls. */
export { containerProcesses, renameContainer, updateContainer } from './adjust.ts';
export { containerStats, killContainer, pauseContainer, startContainer, stopContainer } from './control.ts';
export { copy, parseCopyEnd } from './copy.ts';
export { createContainer } from './create.ts';
export { DETACH_KEYS, parseDetachKeys } from './detach-keys.ts';
export { containerDiff } from './diff.ts';
export { followEvents, parseFilters, parseTime } from './events.ts';
export { execDetached, execForeground } from './exec.ts';
export {
  createNetwork,
  inspectNetwork,
  networkTable,
  networkViews,
  pruneNetworks,
  removeNetwork,
} from './manage-networks.ts';
export { createVolume, inspectVolume, pruneVolumes, removeVolume, volumeTable } from './manage-volumes.ts';
export { findRecord, listRecords, shellCode } from './record.ts';
export { reapEnded, removeContainer, sweepContainers } from './remove.ts';
export { limitsOf, parseLabels, runRequest } from './run-request.ts';
export { attachForeground, runDetached, runForeground, startForeground } from './run.ts';
export { openSource } from './source.ts';
export { containerStatus } from './status.ts';
export { renderTemplate } from './template.ts';
export {
  containerRows,
  containerTable,
  inspectContainer,
  parseRowFilters,
  printablePlan,
  printLogs,
} from './view.ts';
export { waitContainer } from './wait.ts';
export { portLines } from '../networks/ports.ts';
export { listVolumes } from '../volumes/volume-store.ts';
