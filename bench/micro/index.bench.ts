// The blob index: insertion of 100,000 blobs into an empty one, and lookup of known and unknown ones in a million: all
// over it, where each waits for memory, and in the order in which they were stored, as passes mostly ask.
import { randomBytes } from 'node:crypto';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { runCases } from './suite.ts';

const inserted = 100_000;
const known = 1_000_000;
const asked = 10_000;

function ids(count: number): Buffer[] {
  const bytes = randomBytes(count * 32);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * 32, index * 32 + 32));
}

function fill(index: BlobIndex, blobs: readonly Buffer[]): void {
  const location = { packNumber: 1, offset: 0, length: 1000, uncompressedLength: 0 };
  for (const id of blobs) index.setLocation('data', id, location);
}

const many = ids(inserted);
const all = ids(known);
const index = BlobIndex.create(known);
fill(index, all);
const present = all.filter((_, position) => position % (known / asked) === 0);
const absent = ids(asked);
const neighbours = all.slice(known / 2, known / 2 + asked);
const names = present.map((id) => id.toString('hex'));

runCases('index', [
  { name: 'insert, room known', items: inserted, work: () => fill(BlobIndex.create(inserted), many) },
  { name: 'insert, growing', items: inserted, work: () => fill(BlobIndex.create(), many) },
  { name: 'look up what is there', items: asked, work: () => present.forEach((id) => index.has('data', id)) },
  {
    name: 'look up in the order stored',
    items: asked,
    work: () => neighbours.forEach((id) => index.has('data', id)),
  },
  {
    name: 'look up with the place',
    items: asked,
    work: () => present.forEach((id) => index.locate('data', id)),
  },
  { name: 'look up what is not', items: asked, work: () => absent.forEach((id) => index.has('data', id)) },
  { name: 'look up by hex', items: asked, work: () => names.forEach((id) => index.has('data', id)) },
]);
