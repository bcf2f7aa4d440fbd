import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { permissions } from '../../src/providers/disks/azure-disk/permissions.ts';
import { projectText } from '../support/project-files.ts';

describe('docs/azure-disks.md', () => {
  it('names the permissions that the driver wants, and no other', () => {
    const named = projectText('docs/azure-disks.md').matchAll(/`(Microsoft\.Compute\/[\w/]+)`/g);
    const stated = Object.values(permissions).flat();
    assert.deepEqual(new Set(Array.from(named, ([, action]) => action)), new Set(stated));
  });
});
