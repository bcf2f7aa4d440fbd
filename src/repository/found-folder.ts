import type { ObjectInfo } from '../providers/objects/driver.ts';

/** A repository as its names, sizes and times show it; what is sealed is not known without the password. */
export interface FoundRepository {
  /** Its folder below the store, without slashes at its ends; empty for the store itself. */
  readonly path: string;
  /** `restic` stands for all programs of that format: restic, rustic, tranship. */
  readonly program: 'restic' | 'kopia';
  /** False where the folders of a repository are there, but what opens it is gone: its config, or every key. */
  readonly canBeOpened: boolean;
  /** When its config was written, by the server's clock, in milliseconds since the Unix epoch. */
  readonly createdMs: number | undefined;
  /** When the last snapshot was written; of kopia, whose snapshots are sealed in packs, the last object of all. */
  readonly lastChangeMs: number | undefined;
  /** Undefined for kopia. */
  readonly snapshots: number | undefined;
  /** Undefined for kopia. */
  readonly locks: number | undefined;
  /** Undefined for kopia. */
  readonly keys: number | undefined;
  /** All its objects; undefined where packs were passed over. */
  readonly sizeBytes: number | undefined;
}

const ID = '[0-9a-f]{64}';
/** A key that only a repository of restic's format has; the folder before it is the first group. */
const RESTIC = new RegExp(`^(.*?)(?:config|(?:keys|index|snapshots|locks)/${ID}|data/[0-9a-f]{2}/${ID})$`);
/** What else may stand in its folder: documents of tranship's own. */
const OWN = /^tranship\//;
/** `.f` ends the names where kopia itself keeps them in a folder. Its logs stand before all else. */
const KOPIA = /^(.*?)(?:kopia\.repository(?:\.f)?|_log_[^/]*)$/;
/** Packs and indexes: a letter or two and many digits, in a folder of kopia's own in pieces of a few digits each. */
const KOPIA_BLOB = /^(?:x[a-z][0-9_]*|[a-z])[0-9a-f]{24}/;

interface Counts {
  readonly config: number;
  readonly keys: number;
  readonly locks: number;
  readonly snapshots: number;
}

/** A folder that a listing is in and that may be a repository. */
export class FoundFolder {
  readonly #program: 'restic' | 'kopia';
  /** With its slash; empty for the store itself. */
  readonly #folder: string;
  #counts: Counts = { config: 0, keys: 0, locks: 0, snapshots: 0 };
  #createdMs: number | undefined;
  #lastChangeMs: number | undefined;
  #sizeBytes = 0;
  #others = 0;
  #isWhole = true;

  private constructor(program: 'restic' | 'kopia', folder: string) {
    this.#program = program;
    this.#folder = folder;
  }

  /** What a key is the first sign of; undefined for any other key. */
  static begunBy(key: string): FoundFolder | undefined {
    const restic = RESTIC.exec(key)?.[1];
    if (restic !== undefined && (restic === '' || restic.endsWith('/')))
      return new FoundFolder('restic', restic);
    const kopia = KOPIA.exec(key)?.[1];
    if (kopia !== undefined && (kopia === '' || kopia.endsWith('/'))) return new FoundFolder('kopia', kopia);
    return undefined;
  }

  isSame(other: FoundFolder): boolean {
    return this.#folder === other.#folder && this.#program === other.#program;
  }

  holds(key: string): boolean {
    return key.startsWith(this.#folder);
  }

  /** Counts an object, if it is the repository's. */
  take({ key, sizeBytes, modifiedMs }: ObjectInfo): boolean {
    const name = key.slice(this.#folder.length);
    const kind = this.#kindOf(name);
    if (kind === undefined) return false;
    this.#sizeBytes += sizeBytes;
    if (kind === 'other') this.#others += 1;
    else this.#counts = { ...this.#counts, [kind]: this.#counts[kind] + 1 };
    if (kind === 'config') this.#createdMs = modifiedMs;
    if (kind === 'snapshots' || (this.#program === 'kopia' && kind === 'other')) {
      this.#lastChangeMs = Math.max(this.#lastChangeMs ?? 0, modifiedMs);
    }
    return true;
  }

  /** How the keys begin among which one of a pack stands: they may be jumped over. Undefined for any other key. */
  runOf(key: string): string | undefined {
    const name = key.slice(this.#folder.length);
    if (this.#program === 'restic') return name.startsWith('data/') ? `${this.#folder}data/` : undefined;
    // At the root of a store, names of others may stand among them.
    return this.#folder !== '' && isKopiaBlob(name) ? `${this.#folder}${name.slice(0, 1)}` : undefined;
  }

  /** Some of its objects were not listed. */
  skipped(): void {
    this.#isWhole = false;
  }

  /** Undefined where it was none: files with the name `config` are everywhere. */
  result(sizes: boolean): FoundRepository | undefined {
    const { config, keys, locks, snapshots } = this.#counts;
    const isKopia = this.#program === 'kopia';
    const isOne = isKopia ? config > 0 : keys + locks + snapshots + this.#others > 0;
    if (!isOne) return undefined;
    return {
      path: this.#folder.replace(/\/$/, ''),
      program: this.#program,
      canBeOpened: config > 0 && (isKopia || keys > 0),
      createdMs: this.#createdMs,
      lastChangeMs: this.#lastChangeMs,
      snapshots: isKopia ? undefined : snapshots,
      locks: isKopia ? undefined : locks,
      keys: isKopia ? undefined : keys,
      sizeBytes: sizes || this.#isWhole ? this.#sizeBytes : undefined,
    };
  }

  #kindOf(name: string): keyof Counts | 'other' | undefined {
    if (this.#program === 'kopia') {
      if (/^kopia\.repository(?:\.f)?$/.test(name)) return 'config';
      return /^(?:kopia\.|_log_)/.test(name) || isKopiaBlob(name) ? 'other' : undefined;
    }
    if (OWN.test(name)) return 'other';
    if (RESTIC.exec(name)?.[1] !== '') return undefined;
    if (name === 'config') return 'config';
    const folder = name.slice(0, name.indexOf('/'));
    return folder === 'keys' || folder === 'locks' || folder === 'snapshots' ? folder : 'other';
  }
}

function isKopiaBlob(name: string): boolean {
  return KOPIA_BLOB.test(name.replaceAll('/', ''));
}
