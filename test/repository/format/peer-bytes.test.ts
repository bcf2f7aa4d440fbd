/** What restic and rustic wrote, decoded and encoded again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { decodeConfig, encodeConfig } from '../../../src/repository/format/config.ts';
import { keyOf } from '../../../src/repository/format/file-kind.ts';
import { decodeIndexFile } from '../../../src/repository/format/index-file.ts';
import { decodeKeyFile, encodeKeyFile } from '../../../src/repository/format/key-file.ts';
import { computePackSize } from '../../../src/repository/format/pack.ts';
import { decodeSnapshot } from '../../../src/repository/format/snapshot.ts';
import { decodeTree, encodeTree } from '../../../src/repository/format/tree.ts';
import { peerSuite } from '../../support/peers.ts';
import { randomName } from '../../support/random-name.ts';
import { Restic, Rustic } from '../../support/restic.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const zone = { TZ: 'America/New_York' };

/** A folder with names of any bytes, links of all kinds, odd modes and times. Returns its path. */
function makeTree(parent: string, seed: number, options: { readonly rawTargets: boolean }): string {
  const random = createRandom(seed);
  const root = join(parent, 'tree');
  mkdirSync(join(root, 'dir'), { recursive: true });
  const names = new Map(
    Array.from({ length: 200 }, () => randomName(random)).map((name) => [name.toString('hex'), name]),
  );
  for (const name of names.values()) {
    const path = Buffer.concat([Buffer.from(`${root}/dir/`), name]);
    writeFileSync(path, random.bytes(random.below(100)), { mode: random.below(0o1000) });
    utimesSync(path, random.below(2 ** 31), random.below(2 ** 31) - 2 ** 30);
  }
  writeFileSync(join(root, 'file'), 'hello');
  linkSync(join(root, 'file'), join(root, 'hard'));
  symlinkSync('file<&>\u2028é', join(root, 'link'));
  if (options.rawTargets) symlinkSync(Buffer.from('74ffe28261', 'hex'), join(root, 'raw'));
  execFileSync('mkfifo', [join(root, 'fifo')]);
  execFileSync('chmod', ['7755', join(root, 'file')]);
  return root;
}

/** Decodes all trees of the snapshot; `check` gets the bytes of each and what encoding gives. */
async function walkTrees(
  restic: Restic,
  root: string,
  check: (stored: Buffer, encoded: Buffer) => void,
): Promise<number> {
  const pending = [root];
  let nodes = 0;
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const stored = await restic.cat('blob', id);
    const tree = decodeTree(stored, id);
    check(stored, encodeTree(tree.nodes));
    nodes += tree.nodes.length;
    for (const node of tree.nodes) if (node.subtree !== undefined) pending.push(node.subtree);
  }
  return nodes;
}

async function checkPacks(restic: Restic, repository: string): Promise<void> {
  const lists = (await restic.run(['list', 'index'])).stdout.toString().trim().split('\n');
  for (const id of lists) {
    for (const pack of decodeIndexFile(await restic.cat('index', id), id).packs) {
      assert.equal(statSync(join(repository, keyOf('data', pack.id))).size, computePackSize(pack.blobs));
    }
  }
}

async function checkDocuments(restic: Restic, repository: string): Promise<void> {
  const config: unknown = JSON.parse((await restic.cat('config')).toString());
  const decoded = decodeConfig(Buffer.from(JSON.stringify(config)), 'config');
  assert.deepEqual(JSON.parse(encodeConfig(decoded).toString()), config);
  for (const id of readdirSync(join(repository, 'keys'))) {
    const bytes = readFileSync(join(repository, 'keys', id));
    assert.deepEqual(encodeKeyFile(decodeKeyFile(bytes, id)), bytes);
  }
}

/**
 * Names are quoted by the Unicode tables of the Go that built the peer. What an older table calls unassigned stands as
 * an escape there and as itself here; both are read as the same name.
 */
function withoutEscapes(text: string): string {
  return text.replace(
    /(?<!\\)((?:\\{4})*)\\\\(?:u([0-9a-f]{4})|U([0-9a-f]{8}))/g,
    (_, slashes: string, short, long) => slashes + String.fromCodePoint(parseInt(String(short ?? long), 16)),
  );
}

interface WrittenBy {
  readonly binary: string;
  /** Whether it keeps the targets of links that are not UTF-8. */
  readonly rawTargets: boolean;
  /** What may be spelled differently. */
  readonly normalise: (text: string) => string;
}

async function roundTrip(t: TestContext, seed: number, by: WrittenBy): Promise<void> {
  const { binary, rawTargets, normalise } = by;
  const parent = temporaryFolder(t);
  const repository = join(parent, 'repository');
  const restic = new Restic({ binary, repository, env: zone });
  await restic.init();
  await restic.backup(['.'], ['--tag', 'a,b'], { cwd: makeTree(parent, seed, { rawTargets }) });
  const [snapshot] = await restic.snapshots();
  assert.ok(snapshot);
  const nodes = await walkTrees(restic, snapshot.tree, (stored, encoded) => {
    assert.equal(normalise(encoded.toString()), normalise(stored.toString()));
  });
  assert.ok(nodes > 100);
  assert.deepEqual(decodeSnapshot(await restic.cat('snapshot', snapshot.id), 'x').tags, ['a', 'b']);
  await checkPacks(restic, repository);
  await checkDocuments(restic, repository);
}

peerSuite(['restic-oldest'], 'what the oldest restic wrote', (paths) => {
  // That version loses the bytes of targets that are not UTF-8, and with them the way back.
  it('is encoded to the same bytes', (t) =>
    forEachSeed(t, scaled(1, 10), (seed) =>
      roundTrip(t, seed, { binary: paths['restic-oldest'], rawTargets: false, normalise: withoutEscapes }),
    ));
});

peerSuite(['restic-newest'], 'what the newest restic wrote', (paths) => {
  it('is encoded to the same bytes', (t) =>
    forEachSeed(t, scaled(1, 10), (seed) =>
      roundTrip(t, seed, { binary: paths['restic-newest'], rawTargets: true, normalise: (text) => text }),
    ));
});

peerSuite(['restic-newest', 'rustic'], 'what rustic wrote', (paths) => {
  it('is decoded', async (t) => {
    const parent = temporaryFolder(t);
    const repository = join(parent, 'repository');
    const rustic = new Rustic({ binary: paths.rustic, repository });
    await rustic.init();
    await rustic.backup(['.'], [], { cwd: makeTree(parent, 1, { rawTargets: true }) });
    const restic = new Restic({ binary: paths['restic-newest'], repository });
    const [snapshot] = await restic.snapshots();
    assert.ok(snapshot);
    const nodes = await walkTrees(restic, snapshot.tree, (_stored, encoded) => {
      assert.deepEqual(encodeTree(decodeTree(encoded, 'x').nodes), encoded);
    });
    assert.ok(nodes > 100);
    assert.equal(decodeSnapshot(await restic.cat('snapshot', snapshot.id), 'x').tree, snapshot.tree);
    await checkPacks(restic, repository);
  });
});
