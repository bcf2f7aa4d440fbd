import assert from 'node:assert/strict';
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { createExclusion } from '../../src/copy/source/exclusion.ts';
import { compilePatterns } from '../../src/copy/source/patterns.ts';
import { peerSuite } from '../support/peers.ts';
import { projectRoot } from '../support/project-files.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { Restic, runCommand } from '../support/restic.ts';
import { isFullScale } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { assertRestores, assertSameTree, checkWell, stageWell } from './own-pass.ts';
import { lostAspects } from './peer-limits.ts';

const versions = ['restic-oldest', 'restic-newest'] as const;

/** Programs, this one too, keep their caches in here, and write to them while the test runs. */
const liveFolder = '.cache';
const exclusion = createExclusion({ patterns: compilePatterns([liveFolder]) });
const only = (path: Buffer): boolean => !path.toString('latin1').split('/').includes(liveFolder);

/** A folder of the system with links in it; Debian, Alpine and Fedora have at least one of these. */
function systemFolder(): string {
  const found = ['/usr/share/zoneinfo', '/etc/ssl', '/usr/share/doc', '/etc'].find((path) =>
    existsSync(path),
  );
  assert.ok(found !== undefined);
  return realpathSync(found);
}

peerSuite(versions, 'restic on real trees that tranship wrote', (binaries) => {
  it('checks and restores installed packages, files of the system, and sources', async (t) => {
    const folder = temporaryFolder(t);
    const location = join(folder, 'repository');
    const repository = await initQuickly(location);
    // Nobody may work on it meanwhile.
    const sources = join(folder, 'sources');
    await runCommand('cp', ['--archive', join(projectRoot, 'src'), sources]);
    const packages = realpathSync(join(projectRoot, 'node_modules'));
    const trees = [
      { name: '/packages', path: isFullScale() ? packages : join(packages, '@types') },
      { name: '/system', path: systemFolder() },
      { name: '/sources', path: sources },
    ];
    const staged: { name: string; path: string; snapshotId: string }[] = [];
    for (const { name, path } of trees) {
      const { snapshotId } = await stageWell(repository, {
        paths: [path],
        storeAs: name,
        exclusion,
        workers: undefined,
      });
      staged.push({ name, path, snapshotId });
    }
    const target = join(folder, 'target');
    for (const version of versions) {
      const restic = new Restic({ binary: binaries[version], repository: location });
      await restic.check();
      for (const { name, path, snapshotId } of staged) {
        mkdirSync(target);
        await restic.restore(snapshotId, target);
        const ignore = lostAspects(path, [version]);
        assertSameTree(path, join(target, name), `${version} restored ${path}`, { ignore, only });
        removeTree(target);
      }
    }
    await checkWell(repository);
    for (const { name, path, snapshotId } of staged) {
      await assertRestores(repository, `${snapshotId}:${name}`, path, target, { only });
    }
    await repository.store.close();
  });
});
