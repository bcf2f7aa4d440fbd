import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { bootId, pidNamespace, processStartTime } from '../base/process-identity.ts';
import type { LockFile } from './format/lock-file.ts';

/** Who holds a lock, in the words of restic's lock file. */
export type LockHolder = Pick<LockFile, 'hostname' | 'username' | 'pid' | 'uid' | 'gid'>;

/**
 * Our host names in locks: `<host>/<first 8 digits of the boot id>-<inode of the PID namespace>-<start of the process
 * in clock ticks>`. It differs between pods that share a host name, so restic never takes our PID for one of its own
 * namespace; and it says all that is needed to prove later that the process is gone.
 */
const provableHostName = /^(?<host>.*)\/(?<boot>[0-9a-f]{8})-(?<namespace>\d+)-(?<started>\d+)$/s;

const ownTail = processTail();

/** This process as the holder of a lock. */
export function ownHolder(): LockHolder {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  return { hostname: `${hostname()}/${ownTail}`, username: userName(), pid: process.pid, uid, gid };
}

/** The host's own name, without what makes it unique to a process. */
export function plainHostName(lockHostName: string): string {
  return lockHostName.split('/', 1)[0] ?? lockHostName;
}

/**
 * True only where it is certain that the holder's process is gone: it ran under our boot of our host, its PID counted
 * in our PID namespace, and there is no such process. (A namespace's inode is given again only after all its processes
 * have ended, so a namesake of ours proves the same.)
 */
export function isProvenDead(lock: Pick<LockFile, 'hostname' | 'pid'>): boolean {
  const parts = provableHostName.exec(lock.hostname)?.groups;
  const own = provableHostName.exec(`${hostname()}/${ownTail}`)?.groups;
  if (parts === undefined || own === undefined) return false;
  const { host, boot, namespace, started } = parts;
  if (host !== own['host'] || boot !== own['boot'] || namespace !== own['namespace']) return false;
  if (!processExists(lock.pid)) return true;
  const found = processStartTime(lock.pid);
  return found !== undefined && started !== undefined && found !== BigInt(started);
}

/**
 * restic's rule for its own locks: they bear the plain host name, and no process of the PID answers. It errs where host
 * names are shared between PID namespaces, so it serves a person's `unlock` only.
 */
export function isDeadByHostName(lock: Pick<LockFile, 'hostname' | 'pid'>): boolean {
  return lock.hostname === hostname() && !processExists(lock.pid);
}

/** A lock without what a proof needs is unique all the same. */
function processTail(): string {
  const boot = bootId()?.slice(0, 8);
  const namespace = /\d+/.exec(pidNamespace() ?? '')?.[0];
  const started = processStartTime(process.pid);
  if (boot === undefined || namespace === undefined || started === undefined)
    return randomBytes(8).toString('hex');
  return `${boot}-${namespace}-${started}`;
}

/** Asked of the kernel, since procfs may hide the processes of other users. */
function processExists(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user often stands in no passwd file.
    return '';
  }
}
