import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { intercept } from '../../src/providers/objects/intercept.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import type { ListOptions, ObjectDriver, ObjectInfo } from '../../src/providers/objects/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { findRepositories } from '../../src/repository/repository-search.ts';
import type { FindRepositoriesOptions } from '../../src/repository/repository-search.ts';

const id = (seed: number): string => createHash('sha256').update(String(seed)).digest('hex');
const pack = (seed: number): string => `data/${id(seed).slice(0, 2)}/${id(seed)}`;
const many = (count: number, name: (seed: number) => string): string[] =>
  Array.from({ length: count }, (_, seed) => name(seed));

/** The keys of a repository of restic's format. */
function restic(folder: string, packs: number, snapshots = 2): string[] {
  const keys = ['config', `keys/${id(1)}`, `index/${id(2)}`, ...many(packs, pack)];
  return [...keys, ...many(snapshots, (seed) => `snapshots/${id(seed)}`)].map((key) => `${folder}${key}`);
}

function kopia(folder: string, packs: number): string[] {
  const log = `_log_20260101000000_abcd_1_2_1_${id(9).slice(0, 32)}`;
  const blobs = ['kopia.blobcfg', 'kopia.maintenance', 'kopia.repository', log, `xn0_${id(3)}-s1234-c1`];
  return [...blobs, ...many(packs, (seed) => `p${id(seed).slice(0, 32)}-s1234`)].map(
    (key) => `${folder}${key}`,
  );
}

/** Lists pages of a thousand, as S3 does, and counts how often it begins and how many it yields. */
async function storeOf(keys: readonly string[], canBegin = true) {
  const memory = new MemoryDriver();
  for (const key of keys) await memory.put(key, Buffer.from('four'), {});
  const counts = { listings: 0, objects: 0 };
  const driver: ObjectDriver = {
    ...intercept(memory, { run: (_, work) => work(), stream: (_, open) => open() }),
    list: async function* (prefix: string, options: ListOptions): AsyncGenerator<ObjectInfo> {
      counts.listings += 1;
      for await (const object of memory.list(prefix, {})) {
        if (canBegin && options.after !== undefined && object.key <= options.after) continue;
        counts.objects += 1;
        yield object;
      }
    },
  };
  return { store: new ObjectStore(driver), counts };
}

async function found(keys: readonly string[], options: FindRepositoriesOptions = {}) {
  const { store } = await storeOf(keys);
  return findRepositories(store, options);
}

describe('the search for repositories', () => {
  it('finds those that Velero left, with what names, sizes and times say', async () => {
    const { repositories } = await found([
      'velero/backups/one/velero-backup.json',
      'velero/backups/config',
      ...restic('velero/restic/web/', 5, 3),
      `velero/restic/web/locks/${id(7)}`,
      ...restic('velero/restic/db/', 1),
      ...kopia('velero/kopia/web/', 4),
    ]);
    const brief = repositories.map(({ path, program, canBeOpened, snapshots, locks, keys, sizeBytes }) => {
      return [path, program, canBeOpened, snapshots, locks, keys, sizeBytes];
    });
    assert.deepEqual(brief, [
      ['velero/kopia/web', 'kopia', true, undefined, undefined, undefined, 36],
      ['velero/restic/db', 'restic', true, 2, 0, 1, 24],
      ['velero/restic/web', 'restic', true, 3, 1, 1, 48],
    ]);
    assert.ok(
      repositories.every(
        ({ createdMs, lastChangeMs }) => createdMs !== undefined && lastChangeMs !== undefined,
      ),
    );
  });

  it('finds one at the root, and others within its folder', async () => {
    const { repositories } = await found([
      ...restic('', 3),
      ...restic('inner/', 1),
      ...restic('index/deep/', 1),
    ]);
    assert.deepEqual(
      repositories.map(({ path, snapshots, sizeBytes }) => [path, snapshots, sizeBytes]),
      [
        ['', 2, 32],
        ['index/deep', 2, 24],
        ['inner', 2, 24],
      ],
    );
  });

  it('names one that lost its config or its keys, and takes other folders for none', async () => {
    const { repositories } = await found([
      ...restic('a/', 2).filter((key) => key !== 'a/config'),
      ...restic('b/', 2).filter((key) => !key.startsWith('b/keys')),
      'c/config',
      'c/data/table.csv',
      'c/keys/id_rsa',
      'd/web-config',
      `e/${id(1)}`,
    ]);
    assert.deepEqual(
      repositories.map(({ path, canBeOpened }) => [path, canBeOpened]),
      [
        ['a', false],
        ['b', false],
      ],
    );
  });

  it('jumps over packs, unless sizes are wanted', async () => {
    const keys = [
      ...restic('velero/restic/web/', 5000),
      ...kopia('velero/kopia/web/', 5000),
      ...restic('z/', 5),
    ];
    const { store, counts } = await storeOf(keys);
    const quick = await findRepositories(store);
    assert.deepEqual(
      quick.repositories.map(({ path, snapshots, sizeBytes }) => [path, snapshots, sizeBytes]),
      [
        ['velero/kopia/web', undefined, undefined],
        ['velero/restic/web', 2, undefined],
        ['z', 2, 40],
      ],
    );
    assert.equal(counts.listings, 3);
    assert.ok(counts.objects < 2100, `${counts.objects} objects`);
    const whole = await findRepositories(store, { sizes: true });
    assert.deepEqual(
      whole.repositories.map(({ sizeBytes }) => sizeBytes),
      [20_020, 20_020, 40],
    );
    assert.equal(counts.listings, 4);
  });

  it('lists once where the service can only list from the beginning', async () => {
    const { store, counts } = await storeOf([...restic('a/', 3000), ...restic('b/', 3000)], false);
    const { repositories } = await findRepositories(store);
    assert.deepEqual(
      repositories.map(({ path, snapshots }) => [path, snapshots]),
      [
        ['a', 2],
        ['b', 2],
      ],
    );
    assert.equal(counts.listings, 2);
  });

  it('passes over a folder of many objects of others, and says so', async () => {
    const keys = [...many(3000, (seed) => `photos/${id(seed)}.jpg`), ...restic('photos-of-restic/', 1)];
    const { repositories, passedOver, objects } = await found(keys);
    assert.deepEqual(
      repositories.map(({ path }) => path),
      ['photos-of-restic'],
    );
    assert.deepEqual(passedOver, ['photos/']);
    assert.ok(objects < 1010, `${objects} objects`);
  });

  it('never passes over what stands at the root', async () => {
    const { repositories, passedOver } = await found([...many(1500, (seed) => id(seed)), ...restic('z/', 1)]);
    assert.deepEqual([repositories.length, passedOver], [1, []]);
  });

  it('ends when it is cancelled', async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(found(restic('a/', 1), { signal }), { code: 'cancelled' });
  });
});
