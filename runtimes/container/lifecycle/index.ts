/** What `bench container` calls. */
export { attachContainer } from './attach.ts';
export {
  containerStats,
  killContainer,
  pauseContainer,
  removeContainer,
  startContainer,
  stopContainer,
  waitContainer,
} from './control.ts';
export { createContainer } from './create.ts';
export { execInContainer } from './exec.ts';
export { findRecord, shellCode } from './record.ts';
export { runRequest } from './run-request.ts';
export { reapEnded, runDetached, runForeground } from './run.ts';
export { openSource } from './source.ts';
export {
  attachForeground,
  containerRows,
  containerTable,
  exitCodeOf,
  inspectContainer,
  printablePlan,
  printLogs,
} from './view.ts';
