import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { skipLoudly } from '../support/root-test.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { roundTrip } from './round-trip.ts';

const treesPerPass = scaled(15, 25);
const nobody = 65_534;

test('random trees come back equal, and again after changes', async (t) => {
  const folder = temporaryFolder(t);
  await forEachSeed(t, scaled(2, 34), (seed) => roundTrip(folder, seed, treesPerPass));
});

test('random trees of a user without rights come back equal', async (t) => {
  const folder = temporaryFolder(t);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, nobody, nobody);
  const program = fileURLToPath(new URL('round-trip-program.ts', import.meta.url));
  const run = (args: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [program, ...args], {
      encoding: 'utf8',
      cwd: folder,
      ...(isRoot ? { uid: nobody, gid: nobody } : {}),
    });
  if (run([]).status !== 0) {
    skipLoudly(t, 'user nobody cannot read this folder; to run it: clone where everybody can read');
    return;
  }
  await forEachSeed(t, scaled(1, 8), (seed) => {
    const { status, stderr } = run([folder, String(seed), String(treesPerPass)]);
    assert.equal(status, 0, String(stderr));
  });
});
