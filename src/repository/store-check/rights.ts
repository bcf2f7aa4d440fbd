import { throwIfAborted } from '../../base/errors.ts';
import type { ObjectInfo } from '../../providers/objects/driver.ts';
import { configKey, prefixOf } from '../format/file-kind.ts';
import { repositoryPlaces } from '../store-rights.ts';
import type { StoreRight } from '../store-rights.ts';
import { attempt } from './attempt.ts';
import type { Attempt } from './attempt.ts';
import type { RightFinding } from './findings.ts';
import { newProbeKey, probeBody } from './probe.ts';
import type { CheckTools } from './tools.ts';

/** Tries every right in every place. Nothing is put any more once something could not be deleted. */
export async function checkRights(tools: CheckTools): Promise<RightFinding[]> {
  return new RightsCheck(tools).run();
}

class RightsCheck {
  readonly #tools: CheckTools;
  #isKept = false;

  constructor(tools: CheckTools) {
    this.#tools = tools;
  }

  async run(): Promise<RightFinding[]> {
    const findings: RightFinding[] = [];
    // Locks are what every role must be able to delete: if one object has to stay, it tells the most there.
    const locks = prefixOf('locks');
    for (const place of [locks, ...repositoryPlaces.filter((name) => name !== locks)]) {
      throwIfAborted(this.#tools.signal);
      findings.push(...(place === configKey ? await this.#config() : await this.#folder(place)));
    }
    return findings;
  }

  /** Only read: what is put under this name is taken for a repository. */
  async #config(): Promise<RightFinding[]> {
    const list = await this.#list(configKey);
    const read = await this.#readAny(configKey, list);
    return [finding('list', configKey, list), finding('read', configKey, read)];
  }

  async #folder(place: string): Promise<RightFinding[]> {
    const { store, signal } = this.#tools;
    const list = await this.#list(place);
    const key = newProbeKey(place);
    const nothing = await attempt(() => store.delete(key, { signal }));
    const found =
      nothing.outcome === 'works' && !this.#isKept
        ? await this.#putAndDelete(key, list, nothing)
        : {
            write: await this.#begin(key),
            read: await this.#readAny(key, list),
            remove: nothing.outcome === 'works' ? untried : nothing,
          };
    return [
      finding('list', place, list),
      finding('read', place, found.read),
      finding('write', place, found.write),
      finding('delete', place, found.remove),
    ];
  }

  /** That a missing object can be deleted says nothing of one that is kept by a retention or a hold. */
  async #putAndDelete(key: string, list: Attempt<ObjectInfo | undefined>, nothing: Attempt<void>) {
    const { store, signal } = this.#tools;
    const write = await attempt(() => store.put(key, probeBody, { signal }));
    if (write.outcome !== 'works') return { write, read: await this.#readAny(key, list), remove: nothing };
    const read = await attempt(() => store.get(key, { signal }));
    const remove = await attempt(() => store.delete(key, { signal }));
    this.#isKept = remove.outcome !== 'works';
    return { write, read, remove };
  }

  /**
   * Where what is put could not be deleted: a part of an upload takes the same permission, and leaves nothing once the
   * upload is taken back, unless parts are objects themselves. Beginning one is not enough, as not every service is
   * asked for it.
   */
  async #begin(key: string): Promise<Attempt<unknown>> {
    const { patient, signal } = this.#tools;
    if (!patient.capabilities.partsLeaveNothing) {
      return { outcome: 'unknown', reason: 'cannot be tried where nothing can be deleted' };
    }
    const begun = await attempt(() => patient.createMultipart(key, { signal }));
    if (begun.value === undefined) return begun;
    const upload = begun.value;
    try {
      return await attempt(() => upload.putPart(1, probeBody, { signal }));
    } finally {
      // What could not be taken back is noted where it is put.
      await upload.abort().catch(() => undefined);
    }
  }

  #list(place: string): Promise<Attempt<ObjectInfo | undefined>> {
    return attempt(async () => {
      for await (const object of this.#tools.store.list(place, { signal: this.#tools.signal })) return object;
      return undefined;
    });
  }

  /**
   * Services say that an object is missing only to those who may list it; to others they refuse. Then something that is
   * there tells.
   */
  async #readAny(key: string, list: Attempt<ObjectInfo | undefined>): Promise<Attempt<unknown>> {
    const { store, signal } = this.#tools;
    const found = await attempt(() => store.get(key, { signal }));
    if (isMissing(found)) return { outcome: 'works' };
    if (found.outcome !== 'refused') return found;
    if (list.outcome !== 'works') return { outcome: 'unknown', reason: 'cannot be told without listing' };
    if (list.value === undefined) return { outcome: 'unknown', reason: 'there is nothing to read' };
    const { key: present, sizeBytes } = list.value;
    const range = { start: 0, end: Math.min(1, sizeBytes) };
    const other = await attempt(() => store.get(present, { range, signal }));
    return isMissing(other) ? { outcome: 'works' } : other;
  }
}

const untried: Attempt<void> = {
  outcome: 'unknown',
  reason: 'not tried, as what was put elsewhere could not be deleted',
};

function isMissing({ error }: Attempt<unknown>): boolean {
  return error?.code === 'not-found';
}

function finding(right: StoreRight, place: string, { outcome, reason }: Attempt<unknown>): RightFinding {
  return { right, place, outcome, ...(reason === undefined ? {} : { reason }) };
}
