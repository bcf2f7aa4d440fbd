import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError, RepositoryError } from '../../src/base/errors.ts';
import { diffSnapshots } from '../../src/repository/snapshot-diff.ts';
import type { DiffEvent, DiffOptions, DiffStatistics } from '../../src/repository/snapshot-diff.ts';
import { HandMade, fileNode, folderNode, linkNode, rawNode } from '../copy/hand-made.ts';
import { sha256, smallRepository } from './small-repository.ts';

const { repository } = await smallRepository();

async function eventsOf(options: DiffOptions): Promise<readonly DiffEvent[]> {
  const events: DiffEvent[] = [];
  for await (const event of diffSnapshots(repository, options)) events.push(event);
  return events;
}

/** Marks and paths; bytes that are no UTF-8 as Latin-1. */
function changesOf(events: readonly DiffEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === 'change' ? [`${event.mark} ${event.path.toString('latin1')}`] : [],
  );
}

function statisticsOf(events: readonly DiffEvent[]): DiffStatistics {
  const last = events.at(-1);
  assert.ok(last?.type === 'statistics');
  return last;
}

/** What differs between two roots that are made by hand, without and with metadata. */
async function changesBetween(
  build: (made: HandMade) => readonly [readonly string[], readonly string[]],
): Promise<{ readonly plain: string[]; readonly withMetadata: string[] }> {
  const made = new HandMade(repository);
  const [first, second] = build(made);
  const before = await made.save(made.tree(first));
  const after = await made.save(made.tree(second));
  return {
    plain: changesOf(await eventsOf({ before, after })),
    withMetadata: changesOf(await eventsOf({ before, after, metadata: true })),
  };
}

describe('diffSnapshots', () => {
  it('tells what was added, removed and changed, folders before what they hold', async () => {
    const { plain } = await changesBetween((made) => [
      [
        made.file('changed', 'old'),
        folderNode('gone', made.tree([folderNode('deep', made.tree([made.file('x', 'x')]))])),
        made.file('same', 'same'),
      ],
      [
        made.file('changed', 'newer'),
        folderNode('come', made.tree([linkNode('link', 'x')])),
        made.file('same', 'same'),
      ],
    ]);
    assert.deepEqual(plain, [
      'M /changed',
      '+ /come/',
      '+ /come/link',
      '- /gone/',
      '- /gone/deep/',
      '- /gone/deep/x',
    ]);
  });

  it('a change of type is one change, whatever a folder held', async () => {
    const { plain, withMetadata } = await changesBetween((made) => [
      [folderNode('a', made.tree([made.file('x', 'x')])), made.file('b', 'b'), linkNode('c', 't')],
      [made.file('a', 'a'), folderNode('b', made.tree([made.file('y', 'y')])), made.file('c', 'c')],
    ]);
    assert.deepEqual(plain, ['T /a', 'T /b/', 'T /c']);
    assert.deepEqual(withMetadata, ['TU /a', 'TU /b/', 'TU /c']);
  });

  it('contents that changed under the same metadata are marked as damage', async () => {
    const { plain } = await changesBetween((made) => [[made.file('f', 'one')], [made.file('f', 'two')]]);
    assert.deepEqual(plain, ['M? /f']);
  });

  it('each kind of metadata is compared, times as instants', async () => {
    const fields: readonly Readonly<Record<string, unknown>>[] = [
      { mode: 0o600 },
      { mtime: '2026-01-01T00:00:01Z' },
      { atime: '2026-01-01T00:00:01Z' },
      { ctime: '2026-01-01T00:00:01Z' },
      { uid: 1 },
      { gid: 1 },
      { user: 'u' },
      { group: 'g' },
      { inode: 1 },
      { device_id: 1 },
      { links: 2 },
      { extended_attributes: [{ name: 'user.a', value: 'AA==' }] },
      { generic_attributes: { 'windows.x': 1 } },
      { error: 'e' },
    ];
    for (const more of fields) {
      const { plain, withMetadata } = await changesBetween((made) => [
        [made.file('f', 'f')],
        [made.file('f', 'f', more)],
      ]);
      assert.deepEqual([plain, withMetadata], [[], ['U /f']], JSON.stringify(more));
    }
    const attributes = [
      { name: 'user.a', value: 'AA==' },
      { name: 'user.b', value: 'AQ==' },
    ];
    const { withMetadata } = await changesBetween((made) => [
      [made.file('f', 'f', { extended_attributes: attributes })],
      [
        made.file('f', 'f', {
          mtime: '2026-01-01T01:00:00+01:00',
          extended_attributes: attributes.toReversed(),
        }),
      ],
    ]);
    assert.deepEqual(withMetadata, []);
  });

  it('names are any bytes, and are compared as bytes', async () => {
    const { plain } = await changesBetween((made) => [
      [made.file('b\\\\xff', 'x'), made.file('é', 'x')],
      [made.file('b\\\\xfe', 'x'), made.file('new\\\\nline', 'x'), made.file('é', 'x')],
    ]);
    assert.deepEqual(plain, ['+ /b\xfe', '- /b\xff', '+ /new\nline']);
  });

  it('with paths only these folders are compared', async () => {
    const made = new HandMade(repository);
    const [old, young] = [made.tree([made.file('f', 'old')]), made.tree([made.file('f', 'new!')])];
    const before = await made.save(made.tree([folderNode('a', old), made.file('x', 'x')]));
    const after = await made.save(made.tree([folderNode('b', young)]));
    const events = await eventsOf({ before: `${before}:/a`, after: `${after}:/b` });
    assert.deepEqual(events[0], { type: 'start', before, after });
    assert.deepEqual(changesOf(events), ['M /f']);
    await assert.rejects(
      eventsOf({ before: `${before}:/x`, after }),
      (error) => error instanceof RepositoryError && error.code === 'invalid-argument',
    );
    for (const missing of [`${before}:/none`, '00'.repeat(32)]) {
      await assert.rejects(
        eventsOf({ before: missing, after }),
        (error) => error instanceof RepositoryError && error.code === 'not-found',
      );
    }
  });

  it('subtrees that are equal are not read', async () => {
    const made = new HandMade(repository);
    const absent = folderNode('absent', sha256(Buffer.from('no such tree')));
    const before = await made.save(made.tree([absent, made.file('f', 'old')]));
    const after = await made.save(made.tree([absent, made.file('f', 'new!')]));
    const events = await eventsOf({ before, after, statistics: false });
    assert.deepEqual(
      events.map(({ type }) => type),
      ['start', 'change'],
    );
    const same = await eventsOf({ before, after: before });
    assert.deepEqual(
      same.map(({ type }) => type),
      ['start', 'statistics'],
    );
    const counted = await eventsOf({ before, after });
    assert.ok(counted.some((event) => event.type === 'error' && /no tree blob/.test(event.error.message)));
  });

  it('a folder that cannot be read is named, and the rest is compared', async () => {
    const made = new HandMade(repository);
    const lost = (text: string): string => folderNode('lost', sha256(Buffer.from(text)));
    const before = await made.save(made.tree([lost('1'), rawNode('no-tree', 'dir'), made.file('z', 'z')]));
    const after = await made.save(
      made.tree([lost('2'), folderNode('no-tree', made.tree([])), made.file('z', 'Z!')]),
    );
    const events = await eventsOf({ before, after });
    const failed = events.flatMap((event) => (event.type === 'error' ? [String(event.path ?? '')] : []));
    assert.deepEqual(failed, ['/lost/', '/no-tree/', '', '']);
    assert.deepEqual(changesOf(events), ['M /z']);
  });

  it('statistics count what one side alone uses', async () => {
    const made = new HandMade(repository);
    const kept = made.tree([made.file('k', 'shared with the new file')]);
    const old = made.tree([made.file('f', 'old'), folderNode('kept', kept), linkNode('l', 'x')]);
    const young = made.tree([
      made.file('copy', 'shared with the new file'),
      made.file('f', 'longer'),
      folderNode('kept', kept),
    ]);
    const before = await made.save(made.tree([folderNode('d', old)]));
    const after = await made.save(made.tree([folderNode('d', young)]));
    const { added, removed, changedFiles } = statisticsOf(await eventsOf({ before, after }));
    assert.equal(changedFiles, 1);
    assert.deepEqual(
      [added.files, added.directories, added.others, added.dataBlobs, added.treeBlobs],
      [1, 0, 0, 1, 2],
    );
    assert.deepEqual(
      [removed.files, removed.directories, removed.others, removed.dataBlobs, removed.treeBlobs],
      [0, 0, 1, 1, 2],
    );
    assert.ok(added.bytes > 6 && removed.bytes > 3);
  });

  it('blobs that the index lacks are counted, and named', async () => {
    const made = new HandMade(repository);
    const lost = sha256(Buffer.from('lost'));
    const before = await made.save(made.tree([fileNode('f', [], 0)]));
    const after = await made.save(made.tree([fileNode('f', [lost, lost], 8)]));
    const events = await eventsOf({ before, after });
    assert.equal(statisticsOf(events).added.dataBlobs, 1);
    assert.equal(events.filter(({ type }) => type === 'error').length, 1);
  });

  it('ends when the signal fires', async () => {
    const made = new HandMade(repository);
    const before = await made.save(made.tree([folderNode('a', made.tree([]))]));
    const after = await made.save(made.tree([folderNode('a', made.tree([made.file('x', 'x')]))]));
    const controller = new AbortController();
    const seen: DiffEvent[] = [];
    await assert.rejects(async () => {
      for await (const event of diffSnapshots(repository, { before, after, signal: controller.signal })) {
        seen.push(event);
        controller.abort();
      }
    }, CancelledError);
    assert.equal(seen.length, 1);
  });
});
