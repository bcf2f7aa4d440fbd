/** restic and rustic behind one set of words, for tests in which they and we take turns. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PeerError, Restic, Rustic } from '../support/restic.ts';

/** The other programs of the format, by their names in the catalogue of peers. */
export type PeerProgramName = 'restic-oldest' | 'restic-newest' | 'rustic';

export interface PeerPass {
  readonly snapshotId: string;
  /** Data blobs that the pass added. */
  readonly dataBlobs: number;
  /** Bytes that the pass added, trees included. */
  readonly addedBytes: number;
}

export interface PeerProgram {
  readonly name: PeerProgramName;
  init(): Promise<void>;
  /** Backs up the one absolute path; `force` reads every file. */
  backup(path: string, options?: { readonly force?: boolean }): Promise<PeerPass>;
  /** Restores the whole snapshot below `target`, which is made; returns where `path` then stands. */
  restore(snapshotId: string, path: string, target: string): Promise<string>;
  /** Reads everything; throws PeerError when something is wrong. */
  check(): Promise<void>;
}

export function openPeer(name: PeerProgramName, binary: string, repository: string): PeerProgram {
  return name === 'rustic'
    ? new RusticProgram(new Rustic({ binary, repository }))
    : new ResticProgram(name, new Restic({ binary, repository }));
}

class ResticProgram implements PeerProgram {
  readonly name: PeerProgramName;
  readonly #restic: Restic;

  constructor(name: PeerProgramName, restic: Restic) {
    this.name = name;
    this.#restic = restic;
  }

  init(): Promise<void> {
    return this.#restic.init();
  }

  async backup(path: string, options: { readonly force?: boolean } = {}): Promise<PeerPass> {
    const summary = await this.#restic.backup([path], options.force === true ? ['--force'] : []);
    const id = textOf(summary, 'snapshot_id');
    // restic 0.14 tells the first digits only.
    const snapshot = (await this.#restic.snapshots()).find((found) => found.id.startsWith(id));
    if (snapshot === undefined) throw new Error(`${this.name} made no snapshot ${id}`);
    return {
      snapshotId: snapshot.id,
      dataBlobs: numberOf(summary, 'data_blobs'),
      addedBytes: numberOf(summary, 'data_added'),
    };
  }

  async restore(snapshotId: string, path: string, target: string): Promise<string> {
    mkdirSync(target);
    await this.#restic.restore(snapshotId, target);
    return join(target, path);
  }

  async check(): Promise<void> {
    await this.#restic.check();
  }
}

class RusticProgram implements PeerProgram {
  readonly name = 'rustic';
  readonly #rustic: Rustic;

  constructor(rustic: Rustic) {
    this.#rustic = rustic;
  }

  init(): Promise<void> {
    return this.#rustic.init();
  }

  async backup(path: string, options: { readonly force?: boolean } = {}): Promise<PeerPass> {
    const result = await this.#rustic.backup(
      [path],
      ['--json', ...(options.force === true ? ['--force'] : [])],
    );
    const snapshot = objectOf(JSON.parse(result.stdout.toString()));
    const summary = objectOf(snapshot['summary']);
    // It leaves out what it cannot read and says so on standard error alone.
    if (/^\[(WARN|ERROR)\]/m.test(result.stderr)) throw new PeerError('rustic backup', result);
    return {
      snapshotId: textOf(snapshot, 'id'),
      dataBlobs: numberOf(summary, 'data_blobs'),
      addedBytes: numberOf(summary, 'data_added'),
    };
  }

  async restore(snapshotId: string, path: string, target: string): Promise<string> {
    mkdirSync(target);
    await this.#rustic.restore(snapshotId, target, ['--numeric-id']);
    return join(target, path);
  }

  async check(): Promise<void> {
    await this.#rustic.check();
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error('a peer printed no JSON object');
  return { ...value };
}

function textOf(object: Record<string, unknown>, key: string): string {
  const value = object[key];
  if (typeof value !== 'string') throw new Error(`a peer printed no ${key}`);
  return value;
}

function numberOf(object: Record<string, unknown>, key: string): number {
  const value = object[key];
  if (typeof value !== 'number') throw new Error(`a peer printed no ${key}`);
  return value;
}
