/**
 * The three passes with what they reported, for tests; on one thread unless they say otherwise, which starts faster.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { TranshipError } from '../../src/base/errors.ts';
import { printableName } from '../../src/base/file-system.ts';
import { restore } from '../../src/copy/restore.ts';
import type { RestoreOptions, RestoreResult } from '../../src/copy/restore.ts';
import { stage } from '../../src/copy/stage.ts';
import type { StageOptions, StageResult } from '../../src/copy/stage.ts';
import { verify } from '../../src/copy/verify.ts';
import type { VerifyOptions, VerifyResult } from '../../src/copy/verify.ts';
import type { Exclusion } from '../../src/copy/source/exclusion.ts';
import type { ChunkerName } from '../../src/repository/chunker/chunker.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Paths are printable, without a slash in front. */
export interface Reported {
  readonly errors: Map<string, TranshipError>;
  readonly warned: Map<string, string>;
  /** What became of each item, as `action path`, in order. */
  readonly items: string[];
}

export interface Workplace {
  readonly folder: string;
  /** Where the repository is. */
  readonly location: string;
  readonly repository: Repository;
}

/** A folder with an empty repository in it; both are gone after the test. */
export async function workplace(
  t: Pick<TestContext, 'after'>,
  options: { readonly chunker?: ChunkerName | undefined } = {},
): Promise<Workplace> {
  const folder = temporaryFolder(t);
  const location = join(folder, 'repository');
  const repository = await initQuickly(location, options);
  t.after(() => repository.store.close());
  return { folder, location, repository };
}

/** Stages one folder as `/v`, or whatever `options` say. */
export async function stageAll(
  repository: Repository,
  source: string,
  options: Partial<StageOptions> = {},
): Promise<StageResult & Reported> {
  const reported = newReport();
  const result = await stage(repository, {
    paths: [source],
    storeAs: '/v',
    workers: 1,
    ...options,
    onEvent: (event) => {
      options.onEvent?.(event);
      record(reported, event);
    },
  });
  return { ...result, ...reported };
}

/** Restores the contents of `/v` of the latest snapshot, or whatever `options` say. */
export async function restoreAll(
  repository: Repository,
  target: string,
  options: Partial<RestoreOptions> = {},
): Promise<RestoreResult & Reported> {
  const reported = newReport();
  const result = await restore(repository, {
    snapshot: 'latest:/v',
    target,
    workers: 1,
    ...options,
    onEvent: (event) => {
      options.onEvent?.(event);
      record(reported, event);
    },
  });
  return { ...result, ...reported };
}

/** Differences as `kind path`. */
export async function verifyAll(
  repository: Repository,
  target: string,
  options: Partial<VerifyOptions> = {},
): Promise<VerifyResult & { readonly differences: string[] }> {
  const differences: string[] = [];
  const result = await verify(repository, {
    snapshot: 'latest:/v',
    target,
    workers: 1,
    ...options,
    onEvent: (event) => {
      if (event.type !== 'difference') return;
      differences.push(`${event.difference.kind} ${pathText(event.difference.path)}`);
    },
  });
  return { ...result, differences: differences.toSorted() };
}

/** A path of an event, without the slash that some have in front. */
export function pathText(path: Uint8Array): string {
  return printableName(path).replace(/^\//, '');
}

function newReport(): Reported {
  return { errors: new Map(), warned: new Map(), items: [] };
}

type Event =
  | { readonly type: 'error'; readonly path: Uint8Array; readonly error: TranshipError }
  | { readonly type: 'warning'; readonly path: Uint8Array; readonly message: string }
  | { readonly type: 'item'; readonly action: string; readonly path: Uint8Array }
  | { readonly type: 'status' | 'excluded' };

function record(reported: Reported, event: Event): void {
  if (event.type === 'error') reported.errors.set(pathText(event.path), event.error);
  else if (event.type === 'warning') reported.warned.set(pathText(event.path), event.message);
  else if (event.type === 'item') reported.items.push(`${event.action} ${pathText(event.path)}`);
}

/**
 * An exclusion that excludes nothing and tells of every entry: `look` before it is looked at, `meet` with its status.
 */
export function watchWalk(hooks: {
  readonly look?: (path: string) => void;
  readonly meet?: () => void;
}): Exclusion {
  return {
    excludesPath: (path) => {
      hooks.look?.(pathText(path));
      return false;
    },
    excludesStatus: () => {
      hooks.meet?.();
      return false;
    },
    taggedContents: () => undefined,
  };
}

/** Runs work without root's rights; everything below `folder` is given to that user before. */
export async function withoutRights<T>(folder: string, work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  const given = spawnSync('chown', ['-R', '--no-dereference', `${nobody}:${nobody}`, folder]);
  if (given.status !== 0) throw new Error(`cannot give the folder away: ${String(given.stderr)}`);
  process.setegid?.(nobody);
  process.seteuid?.(nobody);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** Ids of all snapshots in the repository, and how many locks it has. */
export async function stateOf(repository: Repository): Promise<{ snapshots: string[]; locks: number }> {
  const [snapshots, locks] = await Promise.all([
    repository.listIds('snapshots'),
    repository.listIds('locks'),
  ]);
  return { snapshots: snapshots.toSorted(), locks: locks.length };
}

/** Mounts something on an empty folder until the test ends; undefined where this user cannot. */
export function mounted(t: Pick<TestContext, 'after'>, args: readonly string[]): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'tranship-test-'));
  const isMounted = spawnSync('mount', [...args, path]).status === 0;
  t.after(() => {
    if (isMounted) spawnSync('umount', ['--lazy', path]);
    rmdirSync(path);
  });
  return isMounted ? path : undefined;
}

/** A file system of that size in memory, or undefined where this user cannot mount one. */
export function smallFileSystem(t: Pick<TestContext, 'after'>, sizeBytes: number): string | undefined {
  return mounted(t, ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=0700`, 'tmpfs']);
}

const nobody = 65_534;

/** As many levels as this process may open folders at once, each twice; says so when that is fewer than were wanted. */
export function deepest(levels: number): number {
  const [, limit = '1024'] =
    /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  const possible = Math.floor((Number(limit) - 1000) / 1.05);
  if (possible < levels)
    process.stderr.write(`ONLY ${possible} LEVELS: to try ${levels}, raise the limit (ulimit -Hn)\n`);
  return Math.min(levels, possible);
}
