import { jsonString } from './go-json.ts';
import { asObject, corrupt, maximumUint32, optionalString, parseJson, unsigned } from './strict-json.ts';
import { isTimestamp } from './timestamp.ts';

/** Contents of a lock file. */
export interface LockFile {
  /** RFC 3339; when the lock was made or last refreshed, by its holder's clock. */
  readonly time: string;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  /** 0 is root, which the file leaves out. */
  readonly uid: number;
  readonly gid: number;
}

/** The JSON of a lock file, members in restic's order, without a newline. */
export function encodeLockFile(lock: LockFile): Buffer {
  const uid = lock.uid === 0 ? '' : `,"uid":${lock.uid}`;
  const gid = lock.gid === 0 ? '' : `,"gid":${lock.gid}`;
  const holder = `"hostname":${jsonString(lock.hostname)},"username":${jsonString(lock.username)}`;
  return Buffer.from(
    `{"time":${jsonString(lock.time)},"exclusive":${lock.exclusive},${holder},"pid":${lock.pid}${uid}${gid}}`,
  );
}

/** Reads a lock file's JSON; throws RepositoryError `corrupt`. */
export function decodeLockFile(bytes: Uint8Array, where: string): LockFile {
  const json = asObject(parseJson(bytes, 'lock', where), 'lock', where);
  const { time, exclusive = false } = json;
  if (typeof time !== 'string' || !isTimestamp(time)) throw corrupt('lock time is not RFC 3339', where);
  // A lock whose strength cannot be told must not pass as a weak one.
  if (typeof exclusive !== 'boolean') throw corrupt('lock does not say whether it is exclusive', where);
  return {
    time,
    exclusive,
    hostname: optionalString(json['hostname'], 'lock hostname', where) ?? '',
    username: optionalString(json['username'], 'lock username', where) ?? '',
    pid: unsigned(json['pid'], Number.MAX_SAFE_INTEGER, 'lock pid', where),
    uid: unsigned(json['uid'], maximumUint32, 'lock uid', where),
    gid: unsigned(json['gid'], maximumUint32, 'lock gid', where),
  };
}
