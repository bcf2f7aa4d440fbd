import { throwIfAborted } from '../base/errors.ts';
import type { ObjectInfo } from '../providers/objects/driver.ts';
import type { ObjectStore } from '../providers/objects/store.ts';
import { FoundFolder } from './found-folder.ts';
import type { FoundRepository } from './found-folder.ts';

/** Keys of a run that are read before the rest of it is passed over: what a page of a listing holds. */
const RUN_KEYS = 1000;
/** Sorts behind all names that repositories and most others have: no key's character comes after z. */
const BEHIND = 'zzzzzzzz';

/** What is looked at, and how closely. */
export interface FindRepositoriesOptions {
  /** Lists every object, so that sizes are known. Default false: packs beyond the first thousand are passed over. */
  readonly sizes?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is below a store. */
export interface RepositorySearch {
  /** In the order of their paths. */
  readonly repositories: readonly FoundRepository[];
  /** Folders of many objects that were not looked at to their end, since nothing in them looked like a repository. */
  readonly passedOver: readonly string[];
  /** Objects that were listed. */
  readonly objects: number;
}

/**
 * Finds the repositories in a store, at its root and in folders of any depth: of restic, tranship and rustic, which are
 * alike without the password, and kopia's. Nothing is opened and nothing but names, sizes and times is read; a thousand
 * objects come with a request. Long runs of packs, and of objects of others in one folder, are jumped over where the
 * service can begin a listing anywhere (S3 can), unless `sizes` are wanted.
 *
 * Throws StoreError, CancelledError.
 *
 * @example
 * const { repositories } = await findRepositories(store);
 * for (const { path, program, snapshots } of repositories) console.log(path, program, snapshots);
 */
export async function findRepositories(
  store: ObjectStore,
  options: FindRepositoriesOptions = {},
): Promise<RepositorySearch> {
  const search = new Search(options.sizes ?? false);
  let after: string | undefined;
  do {
    after = await search.listFrom(store, after, options.signal);
  } while (after !== undefined);
  return search.result();
}

class Search {
  readonly #sizes: boolean;
  readonly #found: FoundFolder[] = [];
  /** Those whose folder the listing is in, the outermost first. */
  #open: FoundFolder[] = [];
  readonly #passedOver: string[] = [];
  #objects = 0;
  /** The keys in a row that begin so, and how many. */
  #run = { prefix: '', keys: 0 };
  /** False for services that list from the beginning whatever they are asked. */
  #canJump = true;

  constructor(sizes: boolean) {
    this.#sizes = sizes;
  }

  /** Returns where the listing should go on; undefined at its end. */
  async listFrom(
    store: ObjectStore,
    after: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    for await (const object of store.list('', { signal, after })) {
      throwIfAborted(signal);
      if (after !== undefined && object.key <= after) {
        this.#canJump = false;
        continue;
      }
      this.#take(object);
      const next = this.#jump(object.key);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  result(): RepositorySearch {
    const repositories = this.#found
      .map((folder) => folder.result(this.#sizes))
      .filter((found) => found !== undefined)
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    return { repositories, passedOver: this.#passedOver, objects: this.#objects };
  }

  #take(object: ObjectInfo): void {
    this.#objects += 1;
    this.#open = this.#open.filter((folder) => folder.holds(object.key));
    const begun = FoundFolder.begunBy(object.key);
    if (begun !== undefined && !this.#open.some((folder) => folder.isSame(begun))) {
      this.#open.push(begun);
      this.#found.push(begun);
    }
    // The innermost: a repository may stand within another one's folder.
    this.#open.findLast((folder) => folder.take(object));
    const prefix =
      this.#open.at(-1)?.runOf(object.key) ?? object.key.slice(0, object.key.lastIndexOf('/') + 1);
    this.#run = { prefix, keys: prefix === this.#run.prefix ? this.#run.keys + 1 : 1 };
  }

  #jump(key: string): string | undefined {
    if (!this.#canJump || this.#run.keys < RUN_KEYS) return undefined;
    const { prefix } = this.#run;
    const isPacks = this.#open.at(-1)?.runOf(key) === prefix;
    // What stands beside a repository is listed, and at the root everything would be passed over.
    if (isPacks ? this.#sizes : this.#open.length > 0 || prefix === '') return undefined;
    this.#run = { prefix: '', keys: 0 };
    const next = `${prefix}${BEHIND}`;
    if (next <= key) return undefined;
    if (isPacks) this.#open.at(-1)?.skipped();
    else this.#passedOver.push(prefix);
    return next;
  }
}
