import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { RepositoryError } from '../../../src/base/errors.ts';
import { IndexColumns } from '../../../src/repository/format/index-columns.ts';
import {
  decodeIndexFile,
  encodeIndexFile,
  readIndexFile,
} from '../../../src/repository/format/index-file.ts';
import type { IndexFilePack } from '../../../src/repository/format/index-file.ts';
import { scanIndexFile } from '../../../src/repository/format/index-scanner.ts';
import { checkProperty } from '../../support/property.ts';
import { sha256 } from './tree-arbitrary.ts';

const where = 'index/abc';

const arbitraryNumber = fc.oneof(
  fc.nat({ max: 1000 }),
  fc.nat({ max: 0xffff_ffff }),
  fc.integer({ min: 0xffff_ff00, max: 0xffff_ffff }),
);

/** Blobs that mostly follow each other, in order or not, and sometimes overlap or reach too far. */
const arbitraryBlobs = fc
  .array(
    fc.record({
      id: fc.string().map(sha256),
      type: fc.constantFrom('data' as const, 'tree' as const),
      gap: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(50), fc.constant(-1), arbitraryNumber),
      length: fc.oneof(fc.integer({ min: 32, max: 500 }), fc.constant(31), arbitraryNumber),
      uncompressedLength: fc.option(arbitraryNumber, { nil: undefined }),
    }),
    { maxLength: 6 },
  )
  .map((blobs) => {
    let end = 0;
    return blobs.map(({ id, type, gap, length, uncompressedLength }) => {
      const offset = Math.min(0xffff_ffff, Math.max(0, end + gap));
      end = offset + length;
      return { id, type, offset, length, uncompressedLength };
    });
  })
  .chain((blobs) => fc.oneof(fc.constant(blobs), fc.shuffledSubarray(blobs, { minLength: blobs.length })));

const arbitraryPacks: fc.Arbitrary<IndexFilePack[]> = fc.array(
  fc.record({
    id: fc.nat(30).map((number) => sha256(String(number))),
    blobs: arbitraryBlobs,
    time: fc.option(
      fc.constantFrom('2023-11-14T22:13:20Z', '2023-11-14T22:13:20.5+01:00', 'soon', 'a"b', 'é'),
      {
        nil: undefined,
      },
    ),
  }),
  { maxLength: 4 },
);

const arbitraryFile = fc
  .tuple(arbitraryPacks, arbitraryPacks)
  .map(([packs, packsToDelete]) => encodeIndexFile({ packs, packsToDelete }).toString());

/** What may stand in an index file in place of something else, or be put into it. */
const arbitraryPiece = fc.constantFrom(
  '',
  ' ',
  '\n',
  '0',
  '-',
  '9',
  '.',
  'e1',
  '"',
  '\\',
  '\\u0061',
  ',',
  ':',
  '{',
  '}',
  '[',
  ']',
  'null',
  'a',
  'A',
  'g',

  '"size":7,',
  ',"size":7',
  ',"size":07',
  ',"time":"2023-11-14T22:13:20Z"',
  '"packs":[],',
  ',"packs_to_delete":[]',

  '"supersedes":["x"],',
  ',"uncompressed_length":0',
  ',"uncompressed_length":null',
  '"offset":1,',
  '"type":"tree",',
  'pack',
  'tree',
  'data',
  '4294967295',
  '4294967296',
  '\u00e9',
  '[[[[',
  '"__proto__":{},',
);

const arbitraryChange = fc.record({
  at: fc.nat(),
  length: fc.oneof(fc.nat(2), fc.nat(100)),
  piece: arbitraryPiece,
});

/** Both decoders on one text: the same contents, or both refuse it; the scanner may leave it to the other. */
function compare(text: string): boolean {
  const bytes = Buffer.from(text);
  const columns = new IndexColumns();
  const isScanned = scanIndexFile(bytes, columns);
  const expected = general(bytes);
  if (isScanned) assert.deepEqual(contentsOf(columns), expected, text);
  if (expected === undefined) {
    assert.throws(() => readIndexFile(bytes, where, columns), RepositoryError);
  } else {
    readIndexFile(bytes, where, columns);
    assert.deepEqual(contentsOf(columns), expected, text);
  }
  return isScanned;
}

function general(bytes: Uint8Array): unknown {
  try {
    const { packs, packsToDelete } = decodeIndexFile(bytes, where);
    const plain = (isMarked: boolean) => (pack: IndexFilePack) => ({
      id: pack.id,
      isMarked,
      blobs: pack.blobs,
    });
    return [...packs.map(plain(false)), ...packsToDelete.map(plain(true))];
  } catch (error) {
    assert.ok(error instanceof RepositoryError);
    return undefined;
  }
}

function contentsOf(columns: IndexColumns): unknown {
  return Array.from({ length: columns.packCount }, (_, pack) => ({
    id: columns.packIdAt(pack),
    isMarked: columns.isMarked(pack),
    blobs: Array.from({ length: columns.endOf(pack) - columns.firstBlobOf(pack) }, (__, index) => {
      const blob = columns.firstBlobOf(pack) + index;
      return {
        id: Buffer.from(columns.blobIds.subarray(blob * 32, blob * 32 + 32)).toString('hex'),
        type: columns.isTreeAt(blob) ? 'tree' : 'data',
        offset: columns.offsetAt(blob),
        length: columns.lengthAt(blob),
        uncompressedLength: columns.uncompressedLengthAt(blob) || undefined,
      };
    }),
  }));
}

describe('the scanner of index files', () => {
  it('agrees with the general decoder on what we write', (t) => {
    checkProperty(
      t,
      fc.property(arbitraryFile, (text) => void compare(text)),
      { small: 500, full: 20_000 },
    );
  });

  it('agrees with the general decoder on anything else', (t) => {
    const property = fc.property(
      arbitraryFile,
      fc.array(arbitraryChange, { minLength: 1, maxLength: 3 }),
      (file, changes) => {
        let text = file;
        for (const { at, length, piece } of changes) {
          const start = at % (text.length + 1);
          text = text.slice(0, start) + piece + text.slice(start + length);
        }
        compare(text);
      },
    );
    checkProperty(t, property, { small: 2000, full: 100_000 });
  });

  const [id, other] = [sha256('pack'), sha256('other')];
  const blob = (offset: number): string => `{"id":"${other}","type":"data","offset":${offset},"length":40}`;

  it('reads the forms of restic and rustic itself', () => {
    for (const text of [
      '{"packs":[]}',
      '{"packs":[]}\n',
      `{"packs":[{"id":"${id}","blobs":[]}]}`,
      `{"packs":[{"id":"${id}","blobs":[${blob(40)},${blob(0)},${blob(80)}]}]}\n`,
      `{"packs":[{"id":"${id}","blobs":[${blob(0)}],"time":"2023-11-14T22:13:20Z","size":9}]}`,
      `{"packs":[],"packs_to_delete":[{"id":"${id}","blobs":[${blob(0)}],"time":"2023-11-14T22:13:20Z"}]}`,
    ]) {
      assert.ok(compare(text), text);
    }
  });

  it('leaves every other form to the general decoder', () => {
    for (const text of [
      '',
      '[]',
      '{"packs":null}',
      '{ "packs":[]}',
      '{"packs":[]}\n\n',
      '{"packs":[],"packs":[]}',
      `{"supersedes":["${id}"],"packs":[]}`,
      `{"packs":[{"blobs":[],"id":"${id}"}]}`,
      `{"packs":[{"id":"${id}","blobs":[${blob(0)},${blob(39)}]}]}`,
      `{"packs":[{"id":"${id}","blobs":[]},{"id":"${id}","blobs":[]}]}`,
      '{"packs":['.repeat(100_000),
    ]) {
      assert.ok(!compare(text), text.slice(0, 100));
    }
  });

  it('reads no text that is cut off', () => {
    const text = encodeIndexFile({
      packs: [{ id, blobs: [{ id: other, type: 'data', offset: 0, length: 40, uncompressedLength: 50 }] }],
      packsToDelete: [{ id, blobs: [], time: '2023-11-14T22:13:20Z' }],
    }).toString();
    for (let length = 0; length < text.length - 1; length++) assert.ok(!compare(text.slice(0, length)));
    assert.ok(compare(text.slice(0, -1)));
  });

  it('forgets the file before', () => {
    const columns = new IndexColumns();
    const first = `{"packs":[{"id":"${id}","blobs":[${blob(0)}]}],"packs_to_delete":[{"id":"${id}","blobs":[]}]}`;
    assert.ok(scanIndexFile(Buffer.from(first), columns));
    assert.ok(scanIndexFile(Buffer.from(`{"packs":[{"id":"${other}","blobs":[]}]}`), columns));
    assert.deepEqual(contentsOf(columns), [{ id: other, isMarked: false, blobs: [] }]);
  });
});
