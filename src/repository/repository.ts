import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { RepositoryError, StoreError, UsageError, throwIfAborted } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import type { Logger } from '../base/logger.ts';
import { systemClock } from '../base/system-clock.ts';
import type { ObjectStore } from '../providers/objects/store.ts';
import { deriveGearSeed } from './chunker/gear-table.ts';
import type { ChunkerName } from './chunker/chunker.ts';
import { isIrreducible, randomPolynomial } from './chunker/polynomial.ts';
import type { Compressor } from './compression/compressor.ts';
import { createCompressor } from './compression/open-compressor.ts';
import { putConfirmed } from './confirmed-put.ts';
import type { Cipher, MasterKey } from './crypto/cipher.ts';
import { createCipher } from './crypto/open-cipher.ts';
import { generateMasterKey } from './crypto/password-key.ts';
import type { ScryptCost } from './crypto/password-key.ts';
import type { DocumentRoom } from './document-room.ts';
import { chunkerOf, decodeConfig, encodeConfig, gearSeedOf, withChunker } from './format/config.ts';
import type { Config } from './format/config.ts';
import { configKey, idOf, keyOf, prefixOf } from './format/file-kind.ts';
import type { NamedFileKind } from './format/file-kind.ts';
import { decodeUnpacked, encodeUnpacked } from './format/unpacked.ts';
import { openWithPassword, putKey, sealKey } from './keys.ts';

/** Kinds of file that are one sealed document each. */
export type DocumentKind = 'index' | 'snapshots' | 'locks';

/** An index file of restic's largest size decodes to far less; beyond this a file is hostile. */
const documentLimitBytes = 512 * 2 ** 20;

/** How a repository is opened. */
export interface RepositoryOptions {
  readonly password: string;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Told what no result carries, in all work on this repository. Default: nobody is. */
  readonly logger?: Logger | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a repository is made. */
export interface InitOptions extends RepositoryOptions {
  /** How files are cut. Default `fastcdc`; `rabin` lets restic and rustic go on deduplicating against our passes. */
  readonly chunker?: ChunkerName | undefined;
  /**
   * Cuts files as this repository does, so that what is copied from it deduplicates against later passes; in place of
   * `chunker`.
   */
  readonly chunkerOf?: Repository | undefined;
  /** Weaker than the default only in tests. Default: calibrated to about 500 ms on this machine. */
  readonly scryptCost?: ScryptCost | undefined;
}

/** Everything a thread needs to cut, seal and open on behalf of a repository; can be posted to it. */
export interface RepositorySecrets {
  readonly masterKey: MasterKey;
  readonly chunker: ChunkerName;
  readonly chunkerPolynomial: bigint;
  readonly gearSeed: Uint8Array;
  /** False in a version-1 repository, where nothing may be compressed. */
  readonly compression: boolean;
}

/** A file of the repository. */
export interface RepositoryFile {
  /** 64 hex digits: SHA-256 of the stored bytes. */
  readonly id: string;
  readonly sizeBytes: number;
}

/**
 * An open repository: what the passes, the check and the other functions work on. It holds no lock and nothing that
 * must be closed: close the store instead. Several passes may use one at the same time.
 *
 * @example
 * const same = await Repository.open(store, { password: 'correct horse' });
 * console.log(same.config.version, same.chunker, await same.listIds('snapshots'));
 */
export class Repository {
  readonly store: ObjectStore;
  /** As it is stored; an upgrade does not change it here. */
  readonly config: Config;
  /** @internal */
  readonly masterKey: MasterKey;
  /** Id of the key that the password opened, 64 hex digits. */
  readonly keyId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** @internal */
  readonly cipher: Cipher;
  /** @internal */
  readonly compressor: Compressor;

  private constructor(
    store: ObjectStore,
    config: Config,
    key: { readonly id: string; readonly masterKey: MasterKey },
    options: RepositoryOptions,
  ) {
    this.store = store;
    this.config = config;
    this.masterKey = key.masterKey;
    this.keyId = key.id;
    this.clock = options.clock ?? systemClock;
    this.logger = options.logger ?? silentLogger;
    this.cipher = createCipher(key.masterKey);
    this.compressor = createCompressor();
  }

  /**
   * Creates a version-2 repository. Refuses with `already-exists` where a config, a key or a snapshot already stands:
   * writing another key over them would make the old data unreadable. Takes about half a second, in which a key is
   * derived from the password. Throws UsageError for an empty password, StoreError, CancelledError.
   */
  static async init(store: ObjectStore, options: InitOptions): Promise<Repository> {
    if (options.password === '') throw new UsageError('an empty password would protect nothing');
    if (options.chunker !== undefined && options.chunkerOf !== undefined) {
      throw new UsageError('a chunker is either named or taken from another repository');
    }
    await refuseExisting(store, options.signal);
    const masterKey = generateMasterKey();
    const clock = options.clock ?? systemClock;
    const key = await sealKey(masterKey, options.password, {
      createdMs: clock.nowMs(),
      scryptCost: options.scryptCost,
      signal: options.signal,
    });
    await putKey(store, key, options.signal);
    const config: Config = {
      version: 2,
      id: randomBytes(32).toString('hex'),
      ...cutting(options),
    };
    const sealed = createCipher(masterKey).seal(encodeConfig(config));
    await putConfig(store, sealed, key.id, options.signal);
    return new Repository(store, config, { id: key.id, masterKey }, options);
  }

  /**
   * Opens a repository of version 1 or 2, whichever program made it. Throws RepositoryError `no-repository`,
   * `wrong-password`, `corrupt` when the config cannot be believed, or `unsupported` when its version is unknown;
   * StoreError; CancelledError.
   */
  static async open(store: ObjectStore, options: RepositoryOptions): Promise<Repository> {
    const sealed = await readConfig(store, options.signal);
    let json: Buffer | undefined;
    const key = await openWithPassword(store, options.password, {
      signal: options.signal,
      clock: options.clock,
      fits: (masterKey) => {
        json = openConfig(sealed, masterKey);
        return json !== undefined;
      },
    });
    if (json === undefined) {
      throw new RepositoryError('corrupt', 'the config cannot be decrypted', { where: configKey });
    }
    const config = decodeConfig(json, configKey);
    if (!isIrreducible(config.chunkerPolynomial)) {
      throw new RepositoryError('corrupt', 'the chunker polynomial is reducible', { where: configKey });
    }
    return new Repository(store, config, key, options);
  }

  /** restic and rustic repositories are continued with their own chunker, so that deduplication goes on. */
  get chunker(): ChunkerName {
    return chunkerOf(this.config, configKey);
  }

  /** True when both cut every file at the same places, so that passes into either deduplicate against the other's. */
  cutsLike(other: Repository): boolean {
    if (this.chunker !== other.chunker) return false;
    if (this.chunker === 'rabin') return this.config.chunkerPolynomial === other.config.chunkerPolynomial;
    return Buffer.from(this.gearSeed).equals(other.gearSeed);
  }

  /**
   * The secret that `fastcdc` cuts by, 32 bytes.
   *
   * @internal
   */
  get gearSeed(): Uint8Array {
    return gearSeedOf(this.config, configKey) ?? deriveGearSeed(this.masterKey);
  }

  /** @internal */
  get secrets(): RepositorySecrets {
    return {
      masterKey: this.masterKey,
      chunker: this.chunker,
      chunkerPolynomial: this.config.chunkerPolynomial,
      gearSeed: this.gearSeed,
      compression: this.config.version >= 2,
    };
  }

  /** All files of a kind, in ascending order of ids; what is named otherwise is none of ours. */
  async listFiles(kind: NamedFileKind, signal?: AbortSignal): Promise<RepositoryFile[]> {
    const files: RepositoryFile[] = [];
    for await (const { key, sizeBytes } of this.store.list(prefixOf(kind), { signal })) {
      const id = idOf(kind, key);
      if (id !== undefined) files.push({ id, sizeBytes });
    }
    return files;
  }

  /** Their ids alone, in the same order. */
  async listIds(kind: NamedFileKind, signal?: AbortSignal): Promise<string[]> {
    return (await this.listFiles(kind, signal)).map((file) => file.id);
  }

  /**
   * Seals and stores a document; the id is the SHA-256 of the stored bytes.
   *
   * @internal
   */
  async saveDocument(kind: DocumentKind, json: Uint8Array, signal?: AbortSignal): Promise<string> {
    const sealed = this.cipher.seal(encodeUnpacked(json, this.config.version, this.compressor));
    const id = createHash('sha256').update(sealed).digest('hex');
    await putConfirmed(this.store, keyOf(kind, id), sealed, { sha256: id, signal });
    return id;
  }

  /**
   * The JSON of a document, decrypted and decompressed. Stored bytes that do not hash to the id are read once more,
   * then are `corrupt`.
   */
  async loadDocument(kind: DocumentKind, id: string, signal?: AbortSignal): Promise<Uint8Array> {
    return this.openDocument(kind, id, await this.fetchDocument(kind, id, signal));
  }

  /**
   * A document as it is stored.
   *
   * @internal
   */
  async fetchDocument(kind: DocumentKind, id: string, signal?: AbortSignal): Promise<Uint8Array> {
    const key = keyOf(kind, id);
    let sealed = await this.store.get(key, { signal });
    if (createHash('sha256').update(sealed).digest('hex') !== id) {
      sealed = await this.store.get(key, { signal });
      if (createHash('sha256').update(sealed).digest('hex') !== id) {
        throw new RepositoryError('corrupt', 'the file does not hash to its name', { where: key });
      }
    }
    return sealed;
  }

  /**
   * The JSON of a document that was fetched. It lies in `room`, if that is given, until that is used again.
   *
   * @internal
   */
  openDocument(kind: DocumentKind, id: string, sealed: Uint8Array, room?: DocumentRoom): Uint8Array {
    const where = keyOf(kind, id);
    const decompressor = room === undefined ? this.compressor : room.decompressorOf(this.compressor);
    return decodeUnpacked(this.#open(sealed, where, room), decompressor, documentLimitBytes, where);
  }

  /** @internal */
  async removeDocument(kind: DocumentKind, id: string, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    await this.store.delete(keyOf(kind, id), { signal });
  }

  #open(sealed: Uint8Array, where: string, room: DocumentRoom | undefined): Uint8Array {
    try {
      return room === undefined ? this.cipher.open(sealed) : room.open(this.cipher, sealed);
    } catch (cause) {
      throw new RepositoryError('corrupt', 'the file cannot be decrypted', { where, cause });
    }
  }
}

/** What of a config says how files are cut. */
function cutting({ chunker, chunkerOf: model }: InitOptions): Pick<Config, 'chunkerPolynomial' | 'extra'> {
  if (model === undefined) {
    const chunkerPolynomial = randomPolynomial((bytes) => randomBytes(bytes));
    return { chunkerPolynomial, extra: withChunker(undefined, chunker ?? 'fastcdc') };
  }
  const { chunkerPolynomial } = model.config;
  const gearSeed = model.chunker === 'fastcdc' ? model.gearSeed : undefined;
  return { chunkerPolynomial, extra: withChunker(undefined, model.chunker, gearSeed) };
}

/** Undefined when the config was not sealed under this key, or is damaged. */
function openConfig(sealed: Uint8Array, masterKey: MasterKey): Buffer | undefined {
  const cipher = createCipher(masterKey);
  try {
    return cipher.open(sealed);
  } catch (error) {
    if (error instanceof RepositoryError) return undefined;
    throw error;
  } finally {
    cipher.close();
  }
}

/** When another process has made the repository in between, its key stays and ours, which opens nothing, goes. */
async function putConfig(
  store: ObjectStore,
  sealed: Uint8Array,
  keyId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await putConfirmed(store, configKey, sealed, { mode: 'create', signal });
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'already-exists') throw error;
    await store.delete(keyOf('keys', keyId), { signal });
    throw new RepositoryError('already-exists', 'another process has just made a repository here', {
      where: store.url,
      advice: 'use that one, with its password',
      cause: error,
    });
  }
}

async function readConfig(store: ObjectStore, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await store.get(configKey, { signal });
  } catch (cause) {
    if (!(cause instanceof StoreError) || cause.code !== 'not-found') throw cause;
    throw new RepositoryError('no-repository', 'there is no repository', {
      where: store.url,
      advice: 'check the location, or create one with `tranship init`',
      cause,
    });
  }
}

async function refuseExisting(store: ObjectStore, signal: AbortSignal | undefined): Promise<void> {
  for (const prefix of [configKey, prefixOf('keys'), prefixOf('snapshots')]) {
    for await (const object of store.list(prefix, { signal })) {
      throw new RepositoryError('already-exists', 'there is a repository already, or what is left of one', {
        where: `${store.url} (${object.key})`,
        advice: 'use it, or choose an empty location',
      });
    }
  }
}
