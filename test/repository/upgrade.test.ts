import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { RepositoryError, UsageError } from '../../src/base/errors.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { checkRepository } from '../../src/repository/check.ts';
import { encodeConfig } from '../../src/repository/format/config.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { acquireLock } from '../../src/repository/locks.ts';
import { Repository } from '../../src/repository/repository.ts';
import { savedConfigKey, upgradeToVersion2 } from '../../src/repository/upgrade.ts';
import { peerSuite } from '../support/peers.ts';
import { faultRules, withFaults } from '../support/providers/fault.ts';
import type { FaultPlan } from '../support/providers/fault.ts';
import { PEER_PASSWORD, Restic, Rustic } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { password } from './lock-fixtures.ts';
import { weakScrypt, weakenKeys } from '../support/weak-key.ts';
import { copyOf, filesBelow, smallRepository } from './small-repository.ts';

/** An empty version-1 repository with a member in its config that this program does not know. */
async function versionOne(): Promise<MemoryDriver> {
  const driver = new MemoryDriver();
  const { config, cipher } = await Repository.init(new ObjectStore(driver), {
    password,
    scryptCost: weakScrypt,
  });
  const old = encodeConfig({ ...config, version: 1, extra: { strange: { kept: true } } });
  await driver.put('config', cipher.seal(old), {});
  return driver;
}

describe('upgradeToVersion2', () => {
  it('changes the version and nothing else, and leaves no copy behind', async () => {
    const driver = await versionOne();
    const store = new ObjectStore(driver);
    const before = copyOf(driver);
    const repository = await Repository.open(store, { password });
    assert.equal(repository.secrets.compression, false);
    await upgradeToVersion2(repository);
    const upgraded = await Repository.open(store, { password });
    assert.equal(upgraded.secrets.compression, true);
    assert.deepEqual(encodeConfig(upgraded.config), encodeConfig({ ...repository.config, version: 2 }));
    assert.deepEqual([...driver.contents().keys()], [...before.keys()]);
    assert.deepEqual([...copyOf(driver)].slice(1), [...before].slice(1));
  });

  it('refuses a repository of version 2', async () => {
    const { repository, driver } = await smallRepository();
    const before = copyOf(driver);
    await assert.rejects(upgradeToVersion2(repository), UsageError);
    assert.deepEqual(copyOf(driver), before);
  });

  it('refuses a damaged repository', async () => {
    const driver = await versionOne();
    const repository = await Repository.open(new ObjectStore(driver), { password });
    await driver.put(keyOf('snapshots', 'ab'.repeat(32)), Buffer.from('rubbish'), {});
    const before = copyOf(driver);
    await assert.rejects(upgradeToVersion2(repository), (error) => {
      assert.ok(error instanceof RepositoryError);
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, /first of 1 errors.*snapshots\/abab/);
      return true;
    });
    assert.deepEqual(copyOf(driver), before);
  });

  for (const kind of ['fail-before', 'fail-after', 'drop'] as const) {
    it(`puts the old config back when replacing it ends with ${kind}`, async () => {
      const driver = await versionOne();
      const before = copyOf(driver);
      const plan = faultRules({ on: 'put', key: /^config$/, action: { kind } });
      const repository = await Repository.open(new ObjectStore(withFaults(driver, plan)), { password });
      await assert.rejects(upgradeToVersion2(repository));
      assert.equal(plan.fired, 1);
      assert.deepEqual(copyOf(driver), before);
    });
  }

  it('names the copy of the old config when putting it back fails too', async () => {
    const driver = await versionOne();
    const before = copyOf(driver);
    const plan = faultRules({ on: 'put', key: /^config$/, times: 2, action: { kind: 'fail-after' } });
    const brokenSecond: FaultPlan = {
      fired: 0,
      choose: (operation) => (plan.choose(operation) === undefined ? undefined : second()),
    };
    let count = 0;
    const second = () =>
      ++count === 1 ? ({ kind: 'truncate', sizeBytes: 10 } as const) : ({ kind: 'fail-before' } as const);
    const repository = await Repository.open(new ObjectStore(withFaults(driver, brokenSecond)), { password });
    await assert.rejects(upgradeToVersion2(repository), new RegExp(savedConfigKey));
    assert.deepEqual(copyOf(driver).get(savedConfigKey), before.get('config'));
  });
});

peerSuite(['restic-oldest', 'restic-newest', 'rustic'], 'a version-1 repository of restic', (paths) => {
  const setting = async (t: TestContext) => {
    const folder = temporaryFolder(t);
    const source = join(folder, 'source');
    mkdirSync(join(source, 'sub'), { recursive: true });
    writeFileSync(join(source, 'a'), 'contents of a\n'.repeat(1000));
    writeFileSync(join(source, 'sub', 'b'), 'contents of b');
    const location = join(folder, 'repository');
    const restic = new Restic({ binary: paths['restic-newest'], repository: location });
    await new Restic({ binary: paths['restic-oldest'], repository: location }).init(1);
    await weakenKeys(location, PEER_PASSWORD);
    await restic.backup([source]);
    return { folder, source, location, restic };
  };

  it('is checked, upgraded, and then checked and continued by restic and rustic', async (t) => {
    const { folder, source, location, restic } = await setting(t);
    const store = await openStore(location);
    const repository = await Repository.open(store, { password: PEER_PASSWORD });
    assert.equal(repository.config.version, 1);
    assert.equal((await checkRepository(repository, { readData: 'all' })).errorCount, 0);
    const lock = await acquireLock(repository, { exclusive: true });
    await upgradeToVersion2(repository);
    await lock.release();
    const before = [...filesBelow(location).keys()];
    assert.ok(!before.includes(savedConfigKey));

    await new Restic({ binary: paths['restic-oldest'], repository: location }).check();
    await restic.check();
    await new Rustic({ binary: paths.rustic, repository: location }).check();
    writeFileSync(join(source, 'a'), 'new contents of a\n'.repeat(1000));
    await restic.backup([source]);
    await restic.run(['prune', '--max-unused', '0']);
    await restic.check();
    await restic.restore('latest', join(folder, 'restored'));
    const upgraded = await Repository.open(store, { password: PEER_PASSWORD });
    assert.equal(upgraded.config.version, 2);
    assert.equal((await checkRepository(upgraded, { readData: 'all' })).errorCount, 0);
  });

  it('shows our lock to restic as a lock, in version 1 as well', async (t) => {
    const { location, restic } = await setting(t);
    const repository = await Repository.open(await openStore(location), { password: PEER_PASSWORD });
    const lock = await acquireLock(repository, { exclusive: true });
    const refused = await restic.run(['check'], { expectedExitCodes: [11] });
    assert.match(refused.stderr + refused.stdout.toString(), new RegExp(`PID ${process.pid} on `));
    await restic.run(['unlock']);
    assert.equal(
      (await restic.run(['list', 'locks', '--no-lock'])).stdout.toString().trim(),
      lock.id,
      'not stale to restic',
    );
    await lock.release();
    await restic.check();
  });
});
