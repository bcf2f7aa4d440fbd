import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FileSystemError } from '../../../src/base/errors.ts';
import { statFd } from '../../../src/base/file-system.ts';
import { emptyPlan } from '../../../src/copy/restore/restore-plan.ts';
import type { RestorePlan } from '../../../src/copy/restore/restore-plan.ts';
import { TargetFolders } from '../../../src/copy/restore/target-folders.ts';
import { openFolder } from '../../support/open-folder.ts';

/** More than are kept open. */
const folderCount = 600;

function planOf(path: string): RestorePlan {
  const plan = emptyPlan();
  for (let i = 0; i <= folderCount; i++) {
    const name = Buffer.from(i === 0 ? '' : `folder-${i}`);
    plan.directories.push({ parent: 0, name, node: undefined, present: 'directory', isWanted: true });
    if (i > 0) mkdirSync(join(path, String(name)));
  }
  return plan;
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe('a descriptor of a target’s folder', () => {
  it('stays the folder’s while it is pinned, however many others are opened', (t) => {
    const { path, fd } = openFolder(t);
    const folders = new TargetFolders(planOf(path), fd);
    const before = openDescriptors();
    const pinned = folders.pin(1);
    assert.equal(folders.pin(1), pinned);
    folders.unpin(1);
    for (let i = 2; i <= folderCount; i++) folders.fdOf(i);
    assert.equal(statFd(pinned).inode, statSync(join(path, 'folder-1'), { bigint: true }).ino);
    assert.equal(folders.fdOf(1), pinned);
    folders.unpin(1);
    for (let i = 2; i <= folderCount; i++) folders.fdOf(i);
    const stillOpen = openDescriptors() - before;
    assert.ok(stillOpen < folderCount, `${stillOpen} are open`);
    folders.close();
    assert.equal(openDescriptors(), before);
  });

  it('is not one of a folder that is not there, which can be asked for again', (t) => {
    const { path, fd } = openFolder(t);
    const plan = emptyPlan();
    const entry = { parent: 0, node: undefined, present: 'nothing', isWanted: true } as const;
    plan.directories.push({ ...entry, name: Buffer.alloc(0) }, { ...entry, name: Buffer.from('later') });
    const folders = new TargetFolders(plan, fd);
    assert.throws(() => folders.pin(1), FileSystemError);
    mkdirSync(join(path, 'later'));
    folders.pin(1);
    folders.unpin(1);
    folders.close();
  });
});
