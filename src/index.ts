// A program that imports the declarations need not name the types that they stand on.
/// <reference types="node" preserve="true" />
export { openDriver, openStore } from './providers/objects/open.ts';
export type { OpenStoreOptions } from './providers/objects/open.ts';
export type { OperationKind } from './providers/objects/intercept.ts';
export type { OperationEvent, OperationObserver } from './providers/objects/observe.ts';
export type { RetryEvent } from './providers/objects/attempts.ts';
export type {
  AzureBlobCredentials,
  AzureBlobSettings,
  AzureCertificate,
  AzurePrincipal,
  ConnectionSettings,
  GcsSettings,
  ObjectLock,
  ProxySettings,
  S3Credentials,
  S3Settings,
  StoreSettings,
} from './providers/objects/settings.ts';
export type { ByteRate, StoreLimits, TimedByteRate } from './providers/objects/store-limits.ts';
export { ObjectStore } from './providers/objects/store.ts';
export type { PutLargeOptions } from './providers/objects/put-large.ts';
export type * from './providers/objects/driver.ts';
export { checkConformance } from './providers/objects/conformance.ts';
export type { ConformanceOptions, ConformanceResult } from './providers/objects/conformance.ts';
export { StoreWatch } from './providers/objects/store-watch.ts';
export type { StoreState, StoreWatchOptions } from './providers/objects/store-watch.ts';
export { checkStore } from './repository/store-check.ts';
export type { CheckStoreOptions, StoreReport } from './repository/store-check.ts';
export type { FeatureFinding, RightFinding, StoreOutcome } from './repository/store-check/findings.ts';
export type { StoreVerdict } from './repository/store-check/verdict.ts';
export { storePolicy } from './repository/store-policy.ts';
export type { PolicyProvider, StorePolicyOptions } from './repository/store-policy.ts';
export type { StoreGrant, StoreRight, StoreRole } from './repository/store-rights.ts';
export { findRepositories } from './repository/repository-search.ts';
export type { FindRepositoriesOptions, RepositorySearch } from './repository/repository-search.ts';
export type { FoundRepository } from './repository/found-folder.ts';
export { Repository } from './repository/repository.ts';
export type {
  DocumentKind,
  InitOptions,
  RepositoryFile,
  RepositoryOptions,
} from './repository/repository.ts';
export type { Config as RepositoryConfig, RepositoryVersion } from './repository/format/config.ts';
export type { FileKind, NamedFileKind } from './repository/format/file-kind.ts';
export type { JsonObject } from './repository/format/strict-json.ts';
export type { ChunkerName } from './repository/chunker/chunker.ts';
export type { ScryptCost } from './repository/crypto/scrypt-cost.ts';
export { checkRepository as check, parseReadDataSubset } from './repository/check.ts';
export type {
  AffectedPath,
  CheckCounts,
  CheckError,
  CheckErrorKind,
  CheckHint,
  CheckHintKind,
  CheckOptions,
  CheckProgress,
  CheckReport,
  ReadDataSubset,
} from './repository/check.ts';
export { acquireLock, listLocks, unlock } from './repository/locks.ts';
export type { LockOptions, RemovedLock, RepositoryLock, StoredLock } from './repository/locks.ts';
export type { LockEntry } from './repository/lock-folder.ts';
export type { LockFile } from './repository/format/lock-file.ts';
export { addKey, changePassword, listKeys, removeKey } from './repository/repository-keys.ts';
export type {
  KeyChangeOptions,
  KeyList,
  NewKeyOptions,
  PasswordChange,
  StoredKey,
} from './repository/repository-keys.ts';
export { tagSnapshots } from './repository/tag-snapshots.ts';
export type { TagChange, TaggedSnapshot, TagOptions, TagResult } from './repository/tag-snapshots.ts';
export { upgradeToVersion2 } from './repository/upgrade.ts';
export type { UpgradeOptions } from './repository/upgrade.ts';
export { findSnapshot, listSnapshots } from './repository/snapshots.ts';
export type { SnapshotFilter, SnapshotList, StoredSnapshot } from './repository/snapshots.ts';
export type { Snapshot, SnapshotSummary } from './repository/format/snapshot.ts';
export { listEntries } from './repository/list-entries.ts';
export type { ListEntriesOptions } from './repository/list-entries.ts';
export type { ListedNode } from './repository/tree-listing.ts';
export type { ExtendedAttribute, NodeType, TreeNode } from './repository/format/tree-node.ts';
export { diffSnapshots } from './repository/snapshot-diff.ts';
export type { BlobTotals } from './repository/blob-usage.ts';
export type {
  DiffChange,
  DiffEvent,
  DiffMark,
  DiffOptions,
  DiffStatistics,
  DiffTotals,
} from './repository/snapshot-diff.ts';
export { computeStatistics } from './repository/statistics.ts';
export type {
  CompressionStatistics,
  Statistics,
  StatisticsMode,
  StatisticsOptions,
  StatisticsProgress,
} from './repository/statistics.ts';
export { stage } from './copy/stage.ts';
export type { StageOptions, StageResult, StageStream } from './copy/stage.ts';
export type { Compression } from './copy/pipeline/protocol.ts';
export type { StageCounts, StageEvent } from './copy/stage/stage-events.ts';
export { copySnapshots } from './copy/copy-snapshots.ts';
export type { CopyOptions, CopyResult, SnapshotCopy } from './copy/copy-snapshots.ts';
export type { CopyCounts, CopyEvent } from './copy/copy-snapshots/copy-events.ts';
export { restore } from './copy/restore.ts';
export type { Overwrite, RestoreOptions, RestoreResult } from './copy/restore.ts';
export type { RestoreCounts, RestoreEvent } from './copy/restore/restore-events.ts';
export { readArchive, readFile } from './copy/dump.ts';
export type { ReadArchiveOptions, ReadFileOptions } from './copy/dump.ts';
export { verify } from './copy/verify.ts';
export type { VerifyDepth, VerifyOptions, VerifyResult } from './copy/verify.ts';
export type { Difference, VerifyCounts, VerifyEvent } from './copy/verify/verify-events.ts';
export { diskPermissions, openDisks } from './providers/disks/open.ts';
export type { OpenDisksOptions } from './providers/disks/open.ts';
export type * from './providers/disks/driver.ts';
export type {
  AwsDiskSettings,
  AzureDiskSettings,
  DiskSettings,
  GcpDiskSettings,
} from './providers/disks/settings.ts';
export type { DiskPermissions } from './providers/disks/permissions.ts';
export { parseDiskHandle } from './providers/disks/handle.ts';
export type { DiskHandle } from './providers/disks/handle.ts';
export { preflight, preflightRules } from './snapshot/preflight.ts';
export type { PreflightViolation } from './snapshot/preflight.ts';
export type {
  PreflightClass,
  PreflightCloudFacts,
  PreflightCluster,
  PreflightFacts,
} from './snapshot/preflight/facts.ts';
export type { Disagreement, PreflightRemedy, PreflightRule } from './snapshot/preflight/rule.ts';
export { gatherPreflightFacts } from './snapshot/gather-facts.ts';
export type { GatherFactsOptions } from './snapshot/gather-facts.ts';
export { repositoryPlace } from './snapshot/repository-place.ts';
export { readClusterObjects } from './snapshot/cluster-objects.ts';
export type { ClusterObjects, StorageClassFacts, VolumeFacts } from './snapshot/cluster-objects.ts';
export { diskManifests } from './snapshot/manifests.ts';
export type { DiskManifestOptions } from './snapshot/manifests.ts';
export { diskPolicy } from './snapshot/disk-policy.ts';
export type { DiskRole } from './snapshot/disk-policy.ts';
export { snapshotDisks } from './snapshot/snapshot-disks.ts';
export type { DiskToSnapshot, SnapshotDisksOptions, SnapshotDisksResult } from './snapshot/snapshot-disks.ts';
export { restoreDisk } from './snapshot/restore-disk.ts';
export type { RestoreDiskOptions } from './snapshot/restore-disk.ts';
export type { DiskMapping } from './snapshot/disk-mapping.ts';
export { sweepDisks } from './snapshot/sweep-disks.ts';
export type { SweepDisksOptions, SweepDisksResult, SweepReason, SweptItem } from './snapshot/sweep-disks.ts';
export { listDisks } from './snapshot/list-disks.ts';
export type { ListDisksOptions, ListedDisk } from './snapshot/list-disks.ts';
export { deleteDisk } from './snapshot/delete-disk.ts';
export type { DeleteDiskOptions } from './snapshot/delete-disk.ts';
export type {
  DiskDocument,
  DiskDocumentHead,
  DiskDocumentState,
  DiskSnapshotDocument,
  RestoredDiskDocument,
  VolumeUse,
} from './snapshot/disk-document.ts';
export type { DiskRemains } from './snapshot/ownership.ts';
export type { DiskEvent, DiskThing } from './snapshot/disk-events.ts';
export type { DiskPurpose } from './snapshot/disk-tags.ts';
export type { DiskEngineOptions } from './snapshot/engine-options.ts';
export { compilePatterns } from './copy/source/patterns.ts';
export type { PatternList, PatternOptions } from './copy/source/patterns.ts';
export { createExclusion } from './copy/source/exclusion.ts';
export type { Exclusion, ExclusionOptions } from './copy/source/exclusion.ts';
export type { FileType } from './base/file-status.ts';
export type { Logger } from './base/logger.ts';
export type { Clock } from './base/clock.ts';
export {
  CancelledError,
  DiskError,
  FileSystemError,
  RepositoryError,
  StoreError,
  TranshipError,
  UsageError,
  describeError,
} from './base/errors.ts';
export type { DiskErrorDetails, ErrorCode, ErrorDetails } from './base/errors.ts';
