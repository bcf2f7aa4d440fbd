import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TranshipError, UsageError } from '../../src/base/errors.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { encodeConfig } from '../../src/repository/format/config.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { putKey, sealKey } from '../../src/repository/keys.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import { Repository } from '../../src/repository/repository.ts';
import { findSnapshot, listSnapshots } from '../../src/repository/snapshots.ts';
import { TreeLoader } from '../../src/repository/tree-loader.ts';
import { password } from './lock-fixtures.ts';
import { weakScrypt } from '../support/weak-key.ts';
import { copyOf, flipBit, objectOf, sha256, smallRepository } from './small-repository.ts';
import type { Objects } from './small-repository.ts';

const small = await smallRepository();
const sound = copyOf(small.driver);
const keyName = [...sound.keys()].find((key) => key.startsWith('keys/')) ?? '';

/** The work fails with this code and names the file, and nothing in the store changes. */
async function assertRefused(
  objects: Objects,
  expected: { readonly code: ErrorCode; readonly message: RegExp; readonly password?: string },
  work: (repository: Repository) => Promise<unknown> = async () => undefined,
): Promise<void> {
  const driver = new MemoryDriver({ objects });
  const before = copyOf(driver);
  const attempt = async (): Promise<void> => {
    const options = { password: expected.password ?? password };
    await work(await Repository.open(new ObjectStore(driver), options));
  };
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof TranshipError, String(error));
    assert.equal(error.code, expected.code, error.message);
    assert.match(error.message, expected.message);
    assert.ok(!error.message.includes('\n'));
    return true;
  });
  assert.deepEqual(copyOf(driver), before);
}

function copy(): Objects {
  return new Map([...sound].map(([key, bytes]) => [key, Buffer.from(bytes)]));
}

describe('Repository.init', () => {
  it('makes a repository that opens with its password, keyed and configured', async () => {
    const driver = new MemoryDriver();
    const store = new ObjectStore(driver);
    const made = await Repository.init(store, {
      password: 'geheim',
      scryptCost: weakScrypt,
      chunker: 'rabin',
    });
    assert.deepEqual(
      [...driver.contents().keys()].map((key) => key.split('/')[0]),
      ['config', 'keys'],
    );
    const repository = await Repository.open(store, { password: 'geheim' });
    assert.deepEqual(encodeConfig(repository.config), encodeConfig(made.config));
    assert.deepEqual(repository.masterKey, made.masterKey);
    assert.equal(repository.config.version, 2);
    assert.equal(repository.chunker, 'rabin');
  });

  it('refuses a place that holds a config, a key or a snapshot, and an empty password', async () => {
    for (const key of ['config', keyName, keyOf('snapshots', small.snapshots[0])]) {
      const driver = new MemoryDriver({ objects: [[key, Buffer.from('x')]] });
      const init = Repository.init(new ObjectStore(driver), { password, scryptCost: weakScrypt });
      await assert.rejects(init, { code: 'already-exists' });
      assert.deepEqual([...driver.contents().keys()], [key]);
    }
    const empty = new MemoryDriver();
    await assert.rejects(
      Repository.init(new ObjectStore(empty), { password: '', scryptCost: weakScrypt }),
      UsageError,
    );
    assert.equal(empty.contents().size, 0);
  });

  it('draws another key, id and polynomial each time', async () => {
    const [first, second] = [await smallRepository(), await smallRepository()].map(
      ({ repository }) => repository,
    );
    assert.notEqual(first?.config.id, second?.config.id);
    assert.notEqual(first?.config.chunkerPolynomial, second?.config.chunkerPolynomial);
    assert.notDeepEqual(first?.masterKey, second?.masterKey);
  });
});

describe('Repository.open', () => {
  it('takes the password of any key', async () => {
    const driver = new MemoryDriver({ objects: sound });
    const store = new ObjectStore(driver);
    const options = { createdMs: 0, scryptCost: weakScrypt };
    const key = await sealKey(small.repository.masterKey, 'second', options);
    await putKey(store, key, undefined);
    const repository = await Repository.open(store, { password: 'second' });
    assert.equal(repository.keyId, key.id);
    assert.deepEqual(repository.masterKey, small.repository.masterKey);
    await Repository.open(store, { password });
  });

  it('says wrong-password for a wrong one', () =>
    assertRefused(copy(), { code: 'wrong-password', message: /opens no key/, password: 'wrong' }));

  it('says no-repository where there is none', () =>
    assertRefused(new Map(), { code: 'no-repository', message: /no repository.*tranship init/ }));

  it('says no-repository, and that keys are missing, where only they are gone', async () => {
    const objects = copy();
    objects.delete(keyName);
    await assertRefused(objects, { code: 'no-repository', message: /no key file/ });
  });

  it('says no-repository where only the config is gone', async () => {
    const objects = copy();
    objects.delete('config');
    await assertRefused(objects, { code: 'no-repository', message: /no repository/ });
  });

  const damages: Record<string, (bytes: Buffer) => Buffer> = {
    empty: () => Buffer.alloc(0),
    'cut to 10 bytes': (bytes) => bytes.subarray(0, 10),
    'cut to 31 bytes': (bytes) => bytes.subarray(0, 31),
    'cut by a byte': (bytes) => bytes.subarray(0, -1),
    'flipped in its first bit': (bytes) => (flipBit(bytes, 0), bytes),
    'flipped in its last bit': (bytes) => (flipBit(bytes, bytes.length - 1, 7), bytes),
    'all zero': (bytes) => bytes.fill(0),
  };
  for (const [title, damage] of Object.entries(damages)) {
    it(`says corrupt and names it when the config is ${title}`, async () => {
      const objects = copy();
      objects.set('config', damage(objectOf(objects, 'config')));
      await assertRefused(objects, { code: 'corrupt', message: /config/ });
    });

    it(`says corrupt and names it when the only key file is ${title}`, async () => {
      const objects = copy();
      objects.set(keyName, damage(objectOf(objects, keyName)));
      await assertRefused(objects, { code: 'corrupt', message: new RegExp(keyName) });
    });

    it(`opens all the same when one of two key files is ${title}`, async () => {
      const objects = copy();
      objects.set(`keys/${'00'.repeat(32)}`, damage(Buffer.from(objectOf(objects, keyName))));
      const store = new ObjectStore(new MemoryDriver({ objects }));
      await Repository.open(store, { password });
      await assertRefused(objects, {
        code: 'wrong-password',
        message: /1 key file.* damaged/,
        password: 'wrong',
      });
    });
  }

  const configs: Record<string, [json: string, code: ErrorCode, message: RegExp]> = {
    'a version of the future': [
      '{"version":3,"id":"ID","chunker_polynomial":"3da3358b4dc173"}',
      'unsupported',
      /version 3/,
    ],
    'version 0': [
      '{"version":0,"id":"ID","chunker_polynomial":"3da3358b4dc173"}',
      'unsupported',
      /version 0/,
    ],
    'no version': ['{"id":"ID","chunker_polynomial":"3da3358b4dc173"}', 'corrupt', /version/],
    'a reducible polynomial': [
      '{"version":2,"id":"ID","chunker_polynomial":"38f1e565e288df"}',
      'corrupt',
      /polynomial/,
    ],
    'a polynomial of zero': ['{"version":2,"id":"ID","chunker_polynomial":"0"}', 'corrupt', /polynomial/],
    'a huge polynomial': [
      '{"version":2,"id":"ID","chunker_polynomial":"fffffffffffffffffff"}',
      'corrupt',
      /polynomial/,
    ],
    'an id that is none': ['{"version":2,"id":"x","chunker_polynomial":"3da3358b4dc173"}', 'corrupt', /id/],
    'no JSON': ['{"version":2', 'corrupt', /JSON/],
  };
  for (const [title, [json, code, message]] of Object.entries(configs)) {
    it(`refuses a config with ${title}`, async () => {
      const objects = copy();
      const plaintext = Buffer.from(json.replace('ID', small.repository.config.id));
      objects.set('config', small.repository.cipher.seal(plaintext));
      await assertRefused(objects, {
        code,
        message: new RegExp(`${message.source}.*config|config.*${message.source}`),
      });
    });
  }

  it('refuses a config of another repository', async () => {
    const other = copyOf((await smallRepository()).driver);
    const objects = copy();
    objects.set('config', objectOf(other, 'config'));
    await assertRefused(objects, { code: 'corrupt', message: /config/ });
  });

  it('can be cancelled', async () => {
    const opening = Repository.open(new ObjectStore(small.driver), { password, signal: AbortSignal.abort() });
    await assert.rejects(opening, { code: 'cancelled' });
  });
});

describe('a damaged file', () => {
  const files = {
    index: keyOf('index', small.indexFiles[0] ?? ''),
    snapshot: keyOf('snapshots', small.snapshots[0]),
    'pack of trees': keyOf('data', small.treePack),
  };
  const uses: Record<keyof typeof files, (repository: Repository) => Promise<unknown>> = {
    index: (repository) => loadIndex(repository),
    snapshot: (repository) => findSnapshot(repository, small.snapshots[0]),
    'pack of trees': async (repository) => {
      const index = await loadIndex(repository);
      for (const id of Object.values(small.trees)) await new TreeLoader(repository, index).load(id);
    },
  };
  for (const kind of ['index', 'snapshot', 'pack of trees'] as const) {
    const key = files[kind];
    for (const [how, damage] of Object.entries({
      truncated: (objects: Objects) => objects.set(key, objectOf(objects, key).subarray(0, 50)),
      'bit-flipped': (objects: Objects) => flipBit(objectOf(objects, key), 40),
      'swapped for another': (objects: Objects) =>
        objects.set(key, objectOf(objects, keyOf('data', small.dataPacks[1]))),
      empty: (objects: Objects) => objects.set(key, Buffer.alloc(0)),
    })) {
      it(`(${kind}, ${how}) is corrupt and named`, async () => {
        const objects = copy();
        damage(objects);
        await assertRefused(objects, { code: 'corrupt', message: new RegExp(key) }, uses[kind]);
      });
    }

    if (kind === 'index') continue;
    it(`(${kind}) that is missing is reported and named`, async () => {
      const objects = copy();
      objects.delete(key);
      // Nobody asks for a pack by name: one that the index lists and the store lacks is damage.
      const code = kind === 'snapshot' ? 'not-found' : 'corrupt';
      await assertRefused(objects, { code, message: /[0-9a-f]{64}/ }, uses[kind]);
    });
  }

  it('of JSON that is sealed well but nonsense is corrupt and named', async () => {
    for (const json of [
      '[]',
      '{"packs":7}',
      '{"packs":[{"id":"x","blobs":[]}]}',
      '\u0003',
      '\u0002nonsense',
    ]) {
      const sealed = small.repository.cipher.seal(Buffer.from(json));
      const objects = copy();
      const key = keyOf('index', sha256(sealed));
      objects.set(key, sealed);
      await assertRefused(objects, { code: 'corrupt', message: new RegExp(key) }, (repository) =>
        loadIndex(repository),
      );
    }
  });

  it('among snapshots hides no other', async () => {
    const objects = copy();
    objects.set(keyOf('snapshots', small.snapshots[0]), Buffer.from('rubbish'));
    const repository = await Repository.open(new ObjectStore(new MemoryDriver({ objects })), { password });
    const { snapshots, damaged } = await listSnapshots(repository);
    assert.deepEqual(
      snapshots.map(({ id }) => id),
      [small.snapshots[1]],
    );
    assert.deepEqual(
      damaged.map(({ id }) => id),
      [small.snapshots[0]],
    );
  });
});
