import { jsonString, jsonValue } from './go-json.ts';
import {
  asObject,
  corrupt,
  maximumUint32,
  optionalId,
  optionalString,
  parseJson,
  requiredId,
  stringList,
  unknownMembers,
  unsigned,
} from './strict-json.ts';
import type { JsonObject } from './strict-json.ts';
import { isTimestamp, zeroTimestamp } from './timestamp.ts';

/** Counts of one backup, all bytes and items; the times are RFC 3339. */
export interface SnapshotSummary {
  readonly backupStart: string;
  readonly backupEnd: string;
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnmodified: number;
  readonly dirsNew: number;
  readonly dirsChanged: number;
  readonly dirsUnmodified: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Plaintext bytes of new blobs. */
  readonly dataAdded: number;
  /** Bytes of new blobs as they stand in packs. */
  readonly dataAddedPacked: number;
  readonly totalFilesProcessed: number;
  readonly totalBytesProcessed: number;
  /** Members that restic does not know (rustic's), handed on by a rewrite. */
  readonly extra?: JsonObject | undefined;
}

/** Contents of a snapshot file. */
export interface Snapshot {
  /** RFC 3339 with the zone of the host that made it. */
  readonly time: string;
  readonly parent?: string | undefined;
  /** Id of the root tree blob. */
  readonly tree: string;
  readonly paths: readonly string[];
  readonly hostname?: string | undefined;
  readonly username?: string | undefined;
  /** 0 is root, which the file leaves out. */
  readonly uid: number;
  readonly gid: number;
  readonly excludes?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Id of the first version of a snapshot whose metadata was edited. */
  readonly original?: string | undefined;
  readonly programVersion?: string | undefined;
  readonly summary?: SnapshotSummary | undefined;
  /** This program's own JSON; restic drops it when it rewrites a snapshot, so no restore may need it. */
  readonly tranship?: JsonObject | undefined;
  /** Members that neither restic nor this program knows (rustic's), handed on by a rewrite. */
  readonly extra?: JsonObject | undefined;
}

type SummaryCount = Exclude<keyof SnapshotSummary, 'backupStart' | 'backupEnd' | 'extra'>;

/** In the order restic writes them. */
const summaryCounts: readonly (readonly [SummaryCount, string])[] = [
  ['filesNew', 'files_new'],
  ['filesChanged', 'files_changed'],
  ['filesUnmodified', 'files_unmodified'],
  ['dirsNew', 'dirs_new'],
  ['dirsChanged', 'dirs_changed'],
  ['dirsUnmodified', 'dirs_unmodified'],
  ['dataBlobs', 'data_blobs'],
  ['treeBlobs', 'tree_blobs'],
  ['dataAdded', 'data_added'],
  ['dataAddedPacked', 'data_added_packed'],
  ['totalFilesProcessed', 'total_files_processed'],
  ['totalBytesProcessed', 'total_bytes_processed'],
];

const knownKeys = new Set(
  'time parent tree paths hostname username uid gid excludes tags original program_version summary tranship'.split(
    ' ',
  ),
);
const knownSummaryKeys = new Set(['backup_start', 'backup_end', ...summaryCounts.map(([, key]) => key)]);

/** The JSON of a snapshot file, members in restic's order, empty ones left out, without a newline. */
export function encodeSnapshot(snapshot: Snapshot): Buffer {
  const members = [
    `"time":${jsonString(snapshot.time)}`,
    ...stringMember('parent', snapshot.parent),
    `"tree":${jsonString(snapshot.tree)}`,
    `"paths":${jsonValue(snapshot.paths)}`,
    ...stringMember('hostname', snapshot.hostname),
    ...stringMember('username', snapshot.username),
    ...(snapshot.uid === 0 ? [] : [`"uid":${snapshot.uid}`]),
    ...(snapshot.gid === 0 ? [] : [`"gid":${snapshot.gid}`]),
    ...listMember('excludes', snapshot.excludes),
    ...listMember('tags', snapshot.tags),
    ...stringMember('original', snapshot.original),
    ...stringMember('program_version', snapshot.programVersion),
    ...(snapshot.summary === undefined ? [] : [`"summary":${summaryText(snapshot.summary)}`]),
    ...(snapshot.tranship === undefined ? [] : [`"tranship":${jsonValue(snapshot.tranship)}`]),
    ...extraMembers(snapshot.extra),
  ];
  return Buffer.from(`{${members.join(',')}}`);
}

function stringMember(key: string, value: string | undefined): string[] {
  return value === undefined || value === '' ? [] : [`"${key}":${jsonString(value)}`];
}

function listMember(key: string, list: readonly string[] | undefined): string[] {
  return list === undefined || list.length === 0 ? [] : [`"${key}":${jsonValue(list)}`];
}

function extraMembers(extra: JsonObject | undefined): string[] {
  return Object.entries(extra ?? {}).map(([key, value]) => `${jsonString(key)}:${jsonValue(value)}`);
}

function summaryText(summary: SnapshotSummary): string {
  const members = [
    `"backup_start":${jsonString(summary.backupStart)}`,
    `"backup_end":${jsonString(summary.backupEnd)}`,
    ...summaryCounts.map(([field, key]) => `"${key}":${summary[field]}`),
    ...extraMembers(summary.extra),
  ];
  return `{${members.join(',')}}`;
}

/** Reads a snapshot file's JSON; throws RepositoryError `corrupt`. */
export function decodeSnapshot(bytes: Uint8Array, where: string): Snapshot {
  const json = asObject(parseJson(bytes, 'snapshot', where), 'snapshot', where);
  const excludes = stringList(json['excludes'], 'snapshot excludes', where);
  const tags = stringList(json['tags'], 'snapshot tags', where);
  const extra = unknownMembers(json, knownKeys, where);
  return {
    time: timestamp(json['time'], 'snapshot time', where),
    parent: optionalId(json['parent'], 'snapshot parent', where),
    tree: requiredId(json['tree'], 'snapshot tree', where),
    paths: stringList(json['paths'], 'snapshot paths', where),
    hostname: optionalString(json['hostname'], 'snapshot hostname', where),
    username: optionalString(json['username'], 'snapshot username', where),
    uid: unsigned(json['uid'], maximumUint32, 'snapshot uid', where),
    gid: unsigned(json['gid'], maximumUint32, 'snapshot gid', where),
    excludes: excludes.length === 0 ? undefined : excludes,
    tags: tags.length === 0 ? undefined : tags,
    original: optionalId(json['original'], 'snapshot original', where),
    programVersion: optionalString(json['program_version'], 'snapshot program_version', where),
    summary: decodeSummary(json['summary'], where),
    tranship: ownMember(json['tranship'], where),
    extra: Object.keys(extra).length === 0 ? undefined : extra,
  };
}

function timestamp(value: unknown, what: string, where: string): string {
  if (typeof value !== 'string' || !isTimestamp(value)) throw corrupt(`${what} is not RFC 3339`, where);
  return value;
}

/** Of a summary only the shape is checked: it is for people, and older or other tools leave members out. */
function decodeSummary(value: unknown, where: string): SnapshotSummary | undefined {
  if (value === undefined || value === null) return undefined;
  const json = asObject(value, 'snapshot summary', where);
  const count = (key: string): number =>
    unsigned(json[key], Number.MAX_SAFE_INTEGER, `snapshot ${key}`, where);
  const extra = unknownMembers(json, knownSummaryKeys, where);
  return {
    backupStart: timestamp(json['backup_start'] ?? zeroTimestamp, 'snapshot backup_start', where),
    backupEnd: timestamp(json['backup_end'] ?? zeroTimestamp, 'snapshot backup_end', where),
    filesNew: count('files_new'),
    filesChanged: count('files_changed'),
    filesUnmodified: count('files_unmodified'),
    dirsNew: count('dirs_new'),
    dirsChanged: count('dirs_changed'),
    dirsUnmodified: count('dirs_unmodified'),
    dataBlobs: count('data_blobs'),
    treeBlobs: count('tree_blobs'),
    dataAdded: count('data_added'),
    dataAddedPacked: count('data_added_packed'),
    totalFilesProcessed: count('total_files_processed'),
    totalBytesProcessed: count('total_bytes_processed'),
    extra: Object.keys(extra).length === 0 ? undefined : extra,
  };
}

function ownMember(value: unknown, where: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  return unknownMembers(asObject(value, 'snapshot tranship', where), new Set(), where);
}
