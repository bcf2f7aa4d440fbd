import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  decodeIndexFile,
  encodeIndexFile,
  visitIndexFile,
} from '../../../src/repository/format/index-file.ts';
import type { IndexFilePack } from '../../../src/repository/format/index-file.ts';
import { throwsCode } from '../../support/error-code.ts';
import { checkProperty } from '../../support/property.ts';
import { sha256 } from './tree-arbitrary.ts';

const [pack, other, blob] = [sha256('pack'), sha256('other'), sha256('blob')];
const where = 'index/abc';

const arbitraryPacks: fc.Arbitrary<readonly IndexFilePack[]> = fc.uniqueArray(
  fc.record(
    {
      id: fc.string().map(sha256),
      blobs: fc
        .array(
          fc.record(
            {
              id: fc.string().map(sha256),
              type: fc.constantFrom('data' as const, 'tree' as const),
              offset: fc.nat({ max: 1000 }),
              length: fc.integer({ min: 32, max: 1_000_000 }),
              uncompressedLength: fc.option(fc.integer({ min: 1, max: 0xffff_ffff }), { nil: undefined }),
            },
            { noNullPrototype: true },
          ),
          { maxLength: 5 },
        )
        .map((blobs) => blobs.map((item, index) => ({ ...item, offset: item.offset + index * 2_000_000 }))),
    },
    { noNullPrototype: true },
  ),
  { selector: ({ id }) => id, maxLength: 6 },
);

describe('an index file', () => {
  it('is the JSON that restic writes', () => {
    const blobs = [
      { id: blob, type: 'data' as const, offset: 0, length: 38 },
      { id: other, type: 'tree' as const, offset: 38, length: 100, uncompressedLength: 300 },
    ];
    assert.equal(
      encodeIndexFile({ packs: [{ id: pack, blobs }] }).toString(),
      `{"packs":[{"id":"${pack}","blobs":[{"id":"${blob}","type":"data","offset":0,"length":38},` +
        `{"id":"${other}","type":"tree","offset":38,"length":100,"uncompressed_length":300}]}]}\n`,
    );
    assert.equal(encodeIndexFile({ packs: [] }).toString(), '{"packs":[]}\n');
    assert.equal(
      encodeIndexFile({ supersedes: [other], packs: [] }).toString(),
      `{"supersedes":["${other}"],"packs":[]}\n`,
    );
  });

  it('marks packs for deletion as rustic does', () => {
    const marked = { id: pack, time: '2023-11-14T22:13:20Z', blobs: [] };
    const text = encodeIndexFile({ packs: [], packsToDelete: [marked] }).toString();
    assert.equal(
      text,
      `{"packs":[],"packs_to_delete":[{"id":"${pack}","blobs":[],"time":"2023-11-14T22:13:20Z"}]}\n`,
    );
    assert.deepEqual(decodeIndexFile(Buffer.from(text), where), { packs: [], packsToDelete: [marked] });
  });

  it('gives back every list of packs', (t) => {
    checkProperty(
      t,
      fc.property(arbitraryPacks, arbitraryPacks, (packs, packsToDelete) => {
        assert.deepEqual(decodeIndexFile(encodeIndexFile({ packs, packsToDelete }), where), {
          packs,
          packsToDelete,
        });
      }),
    );
  });

  it('is visited in order', () => {
    const seen: unknown[] = [];
    const blobs = [{ id: blob, type: 'data' as const, offset: 5, length: 38 }];
    const bytes = encodeIndexFile({
      packs: [{ id: pack, blobs }],
      packsToDelete: [{ id: other, blobs: [] }],
    });
    visitIndexFile(bytes, where, {
      pack: (...args) => seen.push(args),
      blob: (...args) => seen.push(args),
    });
    assert.deepEqual(seen, [
      [pack, false, undefined],
      [blob, 'data', 5, 38, 0],
      [other, true, undefined],
    ]);
  });

  it("may list the blobs of a pack in any order, and other tools' members", () => {
    const text = `{"supersedes":["x"],"packs":[{"id":"${pack}","size":9,"time":"2023-11-14T22:13:20.5+01:00","blobs":[
      {"id":"${blob}","type":"data","offset":38,"length":38,"uncompressed_length":null},
      {"id":"${other}","type":"data","offset":0,"length":38,"uncompressed_length":0}]}]}`;
    const [decoded] = decodeIndexFile(Buffer.from(text), where).packs;
    assert.deepEqual(
      decoded?.blobs.map(({ offset, uncompressedLength }) => [offset, uncompressedLength]),
      [
        [38, undefined],
        [0, undefined],
      ],
    );
    assert.equal(decoded?.time, '2023-11-14T22:13:20.5+01:00');
  });

  it('refuses to be written with what readers would refuse', () => {
    const good = { id: blob, type: 'data' as const, offset: 0, length: 38 };
    for (const change of [{ id: 'x' }, { offset: -1 }, { length: 2 ** 32 }, { uncompressedLength: 0.5 }]) {
      throwsCode('invalid-argument', () =>
        encodeIndexFile({ packs: [{ id: pack, blobs: [{ ...good, ...change }] }] }),
      );
    }
    throwsCode('invalid-argument', () => encodeIndexFile({ packs: [{ id: '"', blobs: [] }] }));
  });
});

describe('a hostile index file', () => {
  function refused(title: string, text: string): void {
    it(`is refused with ${title}`, () => {
      throwsCode('corrupt', () => decodeIndexFile(Buffer.from(text), where), where);
    });
  }
  function refusedBlobs(title: string, ...blobs: readonly string[]): void {
    refused(title, `{"packs":[{"id":"${pack}","blobs":[${blobs.join(',')}]}]}`);
    refused(
      `${title} (marked)`,
      `{"packs":[],"packs_to_delete":[{"id":"${pack}","blobs":[${blobs.join(',')}]}]}`,
    );
  }
  function entry(offset: unknown, length: unknown, more = ''): string {
    return `{"id":"${blob}","type":"data","offset":${String(offset)},"length":${String(length)}${more}}`;
  }

  refused('nothing', '');
  refused('truncated text', '{"packs":[{"id":');
  refused('an array', '[]');
  refused('packs that are an object', '{"packs":{}}');
  refused('a pack that is text', `{"packs":["${pack}"]}`);
  refused('a pack without id', '{"packs":[{"blobs":[]}]}');
  refused('a pack id in upper case', `{"packs":[{"id":"${pack.toUpperCase()}","blobs":[]}]}`);
  refused('a pack that stands twice', `{"packs":[{"id":"${pack}","blobs":[]},{"id":"${pack}","blobs":[]}]}`);
  refused('a time that is none', `{"packs":[{"id":"${pack}","time":"soon","blobs":[]}]}`);
  refused('a depth of a million', '{"packs":['.repeat(1_000_000));
  for (const bad of ['-1', '0.5', '"0"', 'null', '4294967296', '1e999', '9007199254740993']) {
    refusedBlobs(`offset ${bad}`, entry(bad, 38));
    refusedBlobs(`length ${bad}`, entry(0, bad));
    if (bad !== 'null')
      refusedBlobs(`uncompressed length ${bad}`, entry(0, 38, `,"uncompressed_length":${bad}`));
  }
  refusedBlobs('a blob shorter than an envelope', entry(0, 31));
  refusedBlobs('a blob beyond what a pack can address', entry(4_294_967_000, 300));
  refusedBlobs('blobs that overlap', entry(0, 40), entry(39, 40));
  refusedBlobs('blobs that overlap out of order', entry(100, 40), entry(0, 40), entry(39, 40));
  refusedBlobs('the same place twice', entry(0, 40), entry(0, 40));
  refusedBlobs('an unknown type', entry(0, 40).replace('data', 'pack'));
  refusedBlobs('a blob without id', entry(0, 40).replace(blob, ''));
  refusedBlobs('members in the prototype', `{"__proto__":${entry(0, 40)}}`);
  refusedBlobs('a blob that is null', 'null');
});
