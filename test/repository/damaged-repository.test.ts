import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { chmodSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { TranshipError } from '../../src/base/errors.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { checkRepository } from '../../src/repository/check.ts';
import type { CheckErrorKind, CheckReport } from '../../src/repository/check.ts';
import { Repository } from '../../src/repository/repository.ts';
import { peerSuite } from '../support/peers.ts';
import { createRandom } from '../support/seed.ts';
import { PEER_PASSWORD, Restic, Rustic } from '../support/restic.ts';
import { weakenKeys } from '../support/weak-key.ts';
import { removeTree } from '../support/temporary-folder.ts';
import { filesBelow, flipBit } from './small-repository.ts';

/** The files of a kind, smallest first. */
function filesOf(location: string, kind: string): string[] {
  const files = [...filesBelow(join(location, kind))].sort(([, a], [, b]) => a.length - b.length);
  return files.map(([path]) => join(location, kind, path));
}

function only(location: string, kind: string): string {
  const [file, ...others] = filesOf(location, kind);
  assert.ok(file !== undefined && others.length === 0, `one file of ${kind}`);
  return file;
}

function change(path: string, damage: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  damage(bytes);
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

function cut(path: string, lengthBytes: number): void {
  chmodSync(path, 0o600);
  truncateSync(path, lengthBytes);
}

function swap(first: string, second: string): void {
  renameSync(first, `${first}.swap`);
  renameSync(second, first);
  renameSync(`${first}.swap`, second);
}

function fill(source: string): void {
  mkdirSync(join(source, 'folder'), { recursive: true });
  const random = createRandom(7);
  writeFileSync(join(source, 'random'), random.bytes(1_500_000));
  writeFileSync(join(source, 'folder', 'text'), 'some text\n'.repeat(5000));
  writeFileSync(join(source, 'folder', 'empty'), '');
}

peerSuite(['restic-oldest', 'restic-newest', 'rustic'], 'repositories of other programs', (paths) => {
  let folder = '';
  let sound = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tranship-test-'));
    sound = join(folder, 'sound');
    fill(join(folder, 'source'));
    const restic = new Restic({ binary: paths['restic-newest'], repository: sound });
    await restic.init();
    await weakenKeys(sound, PEER_PASSWORD);
    await restic.backup([join(folder, 'source')]);
  });
  after(() => removeTree(folder));

  function damagedCopy(name: string, damage: (location: string) => void): string {
    const location = join(folder, name.replaceAll(/\W/g, '-'));
    cpSync(sound, location, { recursive: true });
    damage(location);
    return location;
  }

  /** Runs the check, during which no byte of the repository may change. */
  async function check(location: string, password = PEER_PASSWORD): Promise<CheckReport> {
    const filesBefore = filesBelow(location);
    try {
      const repository = await Repository.open(await openStore(location), { password });
      return await checkRepository(repository, { readData: 'all' });
    } finally {
      assert.deepEqual(filesBelow(location), filesBefore, 'the repository was changed');
    }
  }

  for (const program of ['restic-oldest', 'restic-newest', 'rustic'] as const) {
    it(`of ${program} are sound to our check`, async () => {
      const location = join(folder, `of-${program}`);
      const source = join(folder, 'source');
      const options = { binary: paths[program], repository: location };
      const peer = program === 'rustic' ? new Rustic(options) : new Restic(options);
      await peer.init();
      await weakenKeys(location, PEER_PASSWORD);
      await peer.backup([source]);
      await peer.backup([join(source, 'folder')]);
      const report = await check(location);
      assert.deepEqual([report.errors, report.hints, report.affectedSnapshots], [[], [], []]);
      assert.equal(report.counts.snapshots, 2);
      assert.ok(report.counts.bytesRead > 1_500_000);
    });
  }

  const refused: Record<
    string,
    [damage: (location: string) => void, code: ErrorCode, file: RegExp, password?: string]
  > = {
    'a wrong password': [() => undefined, 'wrong-password', /wrong-password|password/, 'wrong'],
    'a missing config': [(location) => rmSync(join(location, 'config')), 'no-repository', /no repository/],
    'a truncated config': [(location) => cut(join(location, 'config'), 20), 'corrupt', /config/],
    'a flipped bit in the config': [
      (location) => change(join(location, 'config'), (bytes) => flipBit(bytes, 50)),
      'corrupt',
      /config/,
    ],
    'a truncated key': [(location) => cut(only(location, 'keys'), 100), 'corrupt', /keys\/[0-9a-f]{64}/],
    'a flipped bit in the key': [
      (location) => change(only(location, 'keys'), (bytes) => flipBit(bytes, 300)),
      'corrupt',
      /keys\/[0-9a-f]{64}/,
    ],
    'no key': [(location) => rmSync(only(location, 'keys')), 'no-repository', /no key file/],
    'nothing at all': [(location) => rmSync(location, { recursive: true }), 'no-repository', /no repository/],
  };
  for (const [title, [damage, code, file, password]] of Object.entries(refused)) {
    it(`with ${title} do not open`, async () => {
      const location = damagedCopy(title, damage);
      if (!existsSync(location)) mkdirSync(location);
      await assert.rejects(check(location, password), (error) => {
        assert.ok(error instanceof TranshipError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, file);
        return true;
      });
    });
  }

  const found: Record<string, [damage: (location: string) => string, kind: CheckErrorKind]> = {
    'a truncated pack of data': [
      (location) => damagedFile(filesOf(location, 'data').at(-1), (path) => cut(path, 1000)),
      'pack-size',
    ],
    'a flipped bit in a pack of data': [
      (location) =>
        damagedFile(filesOf(location, 'data').at(-1), (path) =>
          change(path, (bytes) => flipBit(bytes, 9000)),
        ),
      'pack-damaged',
    ],
    'a flipped bit in a pack of trees': [
      (location) =>
        damagedFile(filesOf(location, 'data').at(0), (path) => change(path, (bytes) => flipBit(bytes, 30))),
      'pack-damaged',
    ],
    'swapped packs': [
      (location) => {
        const [first = '', second = ''] = filesOf(location, 'data');
        swap(first, second);
        return first;
      },
      'pack-size',
    ],
    'a missing pack': [
      (location) => damagedFile(filesOf(location, 'data').at(-1), (path) => rmSync(path)),
      'pack-missing',
    ],
    'a truncated index': [
      (location) => damagedFile(only(location, 'index'), (path) => cut(path, 33)),
      'index-damaged',
    ],
    'a flipped bit in the index': [
      (location) =>
        damagedFile(only(location, 'index'), (path) => change(path, (bytes) => flipBit(bytes, 17))),
      'index-damaged',
    ],
    'an index in place of the snapshot': [
      (location) =>
        damagedFile(only(location, 'snapshots'), (path) => {
          rmSync(path, { force: true });
          cpSync(only(location, 'index'), path);
        }),
      'snapshot-damaged',
    ],
    'a truncated snapshot': [
      (location) => damagedFile(only(location, 'snapshots'), (path) => cut(path, 5)),
      'snapshot-damaged',
    ],
  };
  for (const [title, [damage, kind]] of Object.entries(found)) {
    it(`with ${title} are reported with the file named`, async () => {
      let damaged = '';
      const location = damagedCopy(title, (copy) => {
        damaged = damage(copy).slice(copy.length + 1);
      });
      const report = await check(location);
      const match = report.errors.find((error) => error.kind === kind && error.where.startsWith(damaged));
      assert.ok(match !== undefined, `${kind} of ${damaged} among ${JSON.stringify(report.errors)}`);
      if (!damaged.startsWith('snapshots')) assert.equal(report.affectedSnapshots.length, 1);
    });
  }

  it('agree with restic check about whether there is damage', async () => {
    for (const location of readdirSync(folder).filter((name) => name.startsWith('a-') || name === 'sound')) {
      const restic = new Restic({ binary: paths['restic-newest'], repository: join(folder, location) });
      const theirs = await restic.check(['--read-data', '--no-lock'], {
        expectedExitCodes: [0, 1, 10, 11, 12],
      });
      const ours = await check(join(folder, location)).then(
        ({ errorCount }) => errorCount > 0,
        () => true,
      );
      if (location === 'sound') assert.equal(ours, false);
      if (theirs.exitCode !== 0) assert.ok(ours || location.includes('wrong-password'), location);
    }
  });
});

function damagedFile(path: string | undefined, damage: (path: string) => void): string {
  assert.ok(path !== undefined);
  damage(path);
  return path;
}
