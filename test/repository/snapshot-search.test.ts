import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { compilePatterns } from '../../src/copy/source/patterns.ts';
import { IdSelection } from '../../src/repository/id-selection.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import type { LoadedIndex } from '../../src/repository/loaded-index.ts';
import { ObjectQuery } from '../../src/repository/object-query.ts';
import { blobsOfPacks } from '../../src/repository/pack-contents.ts';
import { PathQuery } from '../../src/repository/path-query.ts';
import type { PathQueryOptions } from '../../src/repository/path-query.ts';
import { SearchedTrees } from '../../src/repository/searched-trees.ts';
import { SnapshotSearch } from '../../src/repository/snapshot-search.ts';
import type { SearchError, SearchHit, SearchQuery } from '../../src/repository/snapshot-search.ts';
import { loadSnapshot } from '../../src/repository/snapshots.ts';
import { HandMade, folderNode, rawNode } from '../copy/hand-made.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import type { Random } from '../support/seed.ts';
import { putPack, sha256, smallRepository } from './small-repository.ts';

const { repository, blobs, trees, snapshots, dataPacks, treePack } = await smallRepository();

function describeHit(hit: SearchHit | SearchError): string {
  const path = hit.path.toString('latin1');
  if (hit.type !== 'object') return hit.type === 'node' ? path : `${hit.type} ${path}`;
  return `${hit.kind} ${hit.id} ${path}${hit.parentTree === undefined ? '' : ` in ${hit.parentTree}`}`;
}

/** What each snapshot has, searched one after the other. */
async function hitsIn(ids: readonly string[], query: SearchQuery, index?: LoadedIndex): Promise<string[][]> {
  const search = new SnapshotSearch(repository, index ?? (await loadIndex(repository)), query);
  const found: string[][] = [];
  for (const id of ids) {
    const hits: string[] = [];
    const snapshot = await loadSnapshot(repository, id);
    for await (const hit of search.search(snapshot)) hits.push(describeHit(hit));
    found.push(hits);
  }
  return found;
}

function paths(patterns: readonly string[], more: Partial<PathQueryOptions> = {}): PathQuery {
  return new PathQuery({ patterns: compilePatterns(patterns), ...more });
}

describe('a search for paths', () => {
  it('finds names and paths, and all below a folder that matches', async () => {
    assert.deepEqual(await hitsIn(snapshots, paths(['b*', '/a'])), [
      ['/a', '/dir/b1', '/dir/b2'],
      ['/dir/b1', '/dir/b2'],
    ]);
    assert.deepEqual(await hitsIn([snapshots[1]], paths(['/dir', '!b1'])), [
      ['/dir', '/dir/b2', '/dir/empty'],
    ]);
    assert.deepEqual(await hitsIn(snapshots, paths(['nothing'])), [[], []]);
  });

  it('names are any bytes', async () => {
    const made = new HandMade(repository);
    const id = await made.save(made.tree([made.file('b\\\\xff\\\\n', 'x'), made.file('c', 'x')]));
    assert.deepEqual(await hitsIn([id], paths(['b?\n'])), [['/b\xff\n']]);
  });

  it('limits of time are included, to the nanosecond', async () => {
    const made = new HandMade(repository);
    const at = (name: string, mtime: string): string => made.file(name, 'x', { mtime });
    const id = await made.save(
      made.tree([
        at('a', '2026-01-01T00:00:00.999999999Z'),
        at('b', '2026-01-01T01:00:01+01:00'),
        at('c', '2026-01-01T00:00:01.000000001Z'),
      ]),
    );
    const limit = BigInt(Date.parse('2026-01-01T00:00:01Z')) * 1_000_000n;
    assert.deepEqual(await hitsIn([id], paths(['*'], { oldestNs: limit })), [['/b', '/c']]);
    assert.deepEqual(await hitsIn([id], paths(['*'], { newestNs: limit })), [['/a', '/b']]);
    assert.deepEqual(await hitsIn([id], paths(['*'], { oldestNs: limit, newestNs: limit })), [['/b']]);
  });

  it('a folder that cannot be read is named in every snapshot, and the rest is searched', async () => {
    const made = new HandMade(repository);
    const lost = folderNode('lost', sha256(Buffer.from('no such tree')));
    const nodes = [lost, rawNode('no-tree', 'dir'), made.file('x', 'x')];
    const ids = [await made.save(made.tree(nodes)), await made.save(made.tree(nodes))];
    const expected = ['error /lost', 'error /no-tree', '/x'];
    assert.deepEqual(await hitsIn(ids, paths(['x'])), [expected, expected]);
    const root = await made.save(sha256(Buffer.from('no such root')));
    assert.deepEqual(await hitsIn([root], paths(['x'])), [['error /']]);
  });

  it('a tree that had nothing is not searched again', async () => {
    for (const patterns of [['nothing'], ['/no/thing', 'b1/c']]) {
      const query = paths(patterns);
      let nodes = 0;
      const counting: SearchQuery = {
        hitsOfRoot: () => [],
        hitsOf: (node, path) => {
          nodes++;
          return query.hitsOf(node, path);
        },
        mayHitBelow: (path) => query.mayHitBelow(path),
        isSameEverywhere: (path) => query.isSameEverywhere(path),
      };
      await hitsIn([snapshots[1], snapshots[1], snapshots[0], snapshots[0]], counting);
      // Both roots, and the folder that they share: where it stands at the same path it is looked at once.
      assert.equal(nodes, 1 + 3 + 2);
    }
  });
});

describe('searches of many snapshots', () => {
  const names = ['a', 'b', 'c', 'd.txt', 'e.txt'] as const;

  /** Folders are drawn from those that exist already, so that snapshots share many, at several paths. */
  function randomRoot(random: Random, made: HandMade, known: string[], depth: number): string {
    const nodes = names.flatMap((name) => {
      if (random.chance(0.4)) return [];
      if (depth === 0 || random.chance(0.4)) return [made.file(name, random.pick(['x', 'y', 'z']))];
      const shared = known[random.below(known.length)];
      const subtree =
        shared !== undefined && random.chance(0.5) ? shared : randomRoot(random, made, known, depth - 1);
      return [folderNode(name, subtree)];
    });
    const tree = made.tree(nodes);
    known.push(tree);
    return tree;
  }

  function randomPattern(random: Random): string {
    const parts = Array.from({ length: random.between(1, 3) }, () =>
      random.pick(['a', 'b', 'c', '*', '*.txt', '**', '?']),
    );
    const slash = random.chance(0.3) ? '/' : '';
    return `${random.chance(0.15) ? '!' : ''}${slash}${parts.join('/')}`;
  }

  it('find what a search of each alone finds', async (t) => {
    await forEachSeed(t, scaled(6, 100), async (seed) => {
      const random = createRandom(seed);
      const made = new HandMade(repository);
      const known: string[] = [];
      const roots = Array.from({ length: 6 }, () => randomRoot(random, made, known, 3));
      const ids: string[] = [];
      for (const root of roots) ids.push(await made.save(root));
      const index = await loadIndex(repository);
      for (let round = 0; round < 8; round++) {
        const patterns = Array.from({ length: random.between(1, 3) }, () => randomPattern(random));
        const alone: string[][] = [];
        for (const id of ids) alone.push(...(await hitsIn([id], paths(patterns), index)));
        assert.deepEqual(await hitsIn(ids, paths(patterns), index), alone, patterns.join(' '));
      }
      const wanted = {
        data: new IdSelection([sha256(Buffer.from('y'))]),
        tree: new IdSelection(known.slice(0, 2)),
      };
      const alone: string[][] = [];
      for (const id of ids) alone.push(...(await hitsIn([id], new ObjectQuery(wanted), index)));
      assert.deepEqual(await hitsIn(ids, new ObjectQuery(wanted), index), alone);
    });
  });

  it('forget trees that share a slot, and never mistake them', () => {
    const searched = new SearchedTrees(4);
    searched.add(1, undefined);
    assert.deepEqual([searched.has(1, undefined), searched.has(5, undefined)], [true, false]);
    assert.equal(searched.has(1, Buffer.from('/')), false);
    searched.add(5, Buffer.from('/a'));
    assert.deepEqual([searched.has(1, undefined), searched.has(5, Buffer.from('/a'))], [false, true]);
    assert.equal(searched.has(5, Buffer.from('/b')), false);
  });
});

describe('a search for blobs', () => {
  const none = new IdSelection();

  it('finds the files of blobs, each once, by ids and their beginnings', async () => {
    const data = new IdSelection([blobs.b2.slice(0, 12), blobs.a2]);
    const inDir = `data ${blobs.b2} /dir/b2 in ${trees.shared}`;
    assert.deepEqual(await hitsIn(snapshots, new ObjectQuery({ data, tree: none })), [
      [`data ${blobs.a2} /a in ${trees.first}`, inDir],
      [inDir],
    ]);
  });

  it('finds the folders of trees', async () => {
    const tree = new IdSelection([trees.shared, trees.second.slice(0, 8)]);
    const shared = `tree ${trees.shared} /dir`;
    assert.deepEqual(await hitsIn(snapshots, new ObjectQuery({ data: none, tree })), [
      [shared],
      [`tree ${trees.second} /`, shared],
    ]);
  });

  it('takes only what can be an id', () => {
    for (const text of ['', 'a', 'xyz', 'AB', 'a'.repeat(65)]) {
      assert.throws(() => new IdSelection([text]), UsageError);
    }
  });
});

describe('the blobs of packs', () => {
  it('are known from the index, or from a pack that no index lists', async () => {
    const found = await blobsOfPacks(repository, [dataPacks[0].slice(0, 16), treePack]);
    assert.deepEqual([...found.data].toSorted(), [blobs.a1, blobs.a2].toSorted());
    assert.deepEqual(found.tree, new Set(Object.values(trees)));
    const contents = Buffer.from('in no index');
    const { id } = await putPack(repository, 'data', [contents]);
    assert.deepEqual((await blobsOfPacks(repository, [id.slice(0, 20)])).data, new Set([sha256(contents)]));
  });

  it('a pack that is nowhere is an error', async () => {
    await assert.rejects(
      blobsOfPacks(repository, [treePack, '00'.repeat(32)]),
      /there is no pack of this id/,
    );
  });
});
