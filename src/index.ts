export { openStore } from './providers/objects/open.ts';
export { ObjectStore } from './providers/objects/store.ts';
export type * from './providers/objects/driver.ts';
export { checkConformance } from './providers/objects/conformance.ts';
export type { ConformanceOptions, ConformanceResult } from './providers/objects/conformance.ts';
export { Repository } from './repository/repository.ts';
export type { InitOptions, RepositoryOptions } from './repository/repository.ts';
export { checkRepository as check, parseReadDataSubset } from './repository/check.ts';
export type {
  CheckError,
  CheckHint,
  CheckOptions,
  CheckProgress,
  CheckReport,
  ReadDataSubset,
} from './repository/check.ts';
export { acquireLock, listLocks, unlock } from './repository/locks.ts';
export type { LockOptions, RemovedLock, RepositoryLock, StoredLock } from './repository/locks.ts';
export { upgradeToVersion2 } from './repository/upgrade.ts';
export { findSnapshot, listSnapshots } from './repository/snapshots.ts';
export type { SnapshotFilter, SnapshotList, StoredSnapshot } from './repository/snapshots.ts';
export { stage } from './copy/stage.ts';
export type { StageOptions, StageResult } from './copy/stage.ts';
export type { StageCounts, StageEvent } from './copy/stage/stage-events.ts';
export { restore } from './copy/restore.ts';
export type { Overwrite, RestoreOptions, RestoreResult } from './copy/restore.ts';
export type { RestoreCounts, RestoreEvent } from './copy/restore/restore-events.ts';
export { verify } from './copy/verify.ts';
export type { VerifyDepth, VerifyOptions, VerifyResult } from './copy/verify.ts';
export type { Difference, VerifyCounts, VerifyEvent } from './copy/verify/verify-events.ts';
export { compilePatterns } from './copy/source/patterns.ts';
export { createExclusion } from './copy/source/exclusion.ts';
export type { Logger } from './base/logger.ts';
export type { Clock } from './base/clock.ts';
export {
  CancelledError,
  FileSystemError,
  RepositoryError,
  StoreError,
  TranshipError,
  UsageError,
  describeError,
} from './base/errors.ts';
export type { ErrorCode } from './base/errors.ts';
