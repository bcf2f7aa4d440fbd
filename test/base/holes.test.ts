import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import {
  close,
  createFileAt,
  dataRanges,
  nextData,
  nextHole,
  preallocate,
  punchHole,
  readAt,
  statFd,
  truncate,
  writeAt,
} from '../../src/base/file-system.ts';
import { openFolder } from '../support/open-folder.ts';
import { skipLoudly } from '../support/root-test.ts';

const MIB = 1024 * 1024;

function newFile(t: TestContext): number {
  const { fd } = openFolder(t);
  const file = createFileAt(fd, Buffer.from('file'), 0o600);
  t.after(() => close(file));
  return file;
}

/** A file of 4 TiB whose only data are 1 MiB each at 1 MiB and at 3 TiB; undefined where holes are not told. */
function sparseFile(t: TestContext): number | undefined {
  const file = newFile(t);
  truncate(file, 4 * MIB * MIB);
  if (nextHole(file, 0) !== 0) {
    skipLoudly(t, 'the file system of the temporary folder does not tell holes');
    return undefined;
  }
  writeAt(file, Buffer.alloc(MIB, 1), MIB);
  writeAt(file, Buffer.alloc(MIB, 2), 3 * MIB * MIB);
  return file;
}

describe('holes', () => {
  it('are found beyond 4 GiB', (t) => {
    const file = sparseFile(t);
    if (file === undefined) return;
    assert.equal(nextData(file, 0), MIB);
    assert.equal(nextData(file, MIB + 5), MIB + 5);
    assert.equal(nextHole(file, MIB), 2 * MIB);
    assert.equal(nextData(file, 2 * MIB), 3 * MIB * MIB);
    assert.equal(nextData(file, 3 * MIB * MIB + MIB), -1);
    assert.equal(nextHole(file, 4 * MIB * MIB), -1);
    assert.deepEqual(
      [...dataRanges(file, 4 * MIB * MIB)],
      [
        { start: MIB, end: 2 * MIB },
        { start: 3 * MIB * MIB, end: 3 * MIB * MIB + MIB },
      ],
    );
    assert.deepEqual([...dataRanges(file, MIB + 7)], [{ start: MIB, end: MIB + 7 }]);
    assert.ok(statFd(file).allocatedBytes < 3 * MIB);
  });

  it('are not found in a full, an empty and a shrunk file', (t) => {
    const file = newFile(t);
    assert.deepEqual([...dataRanges(file, 0)], []);
    assert.deepEqual([...dataRanges(file, 100)], []);
    writeAt(file, Buffer.alloc(MIB, 1), 0);
    assert.deepEqual([...dataRanges(file, MIB)], [{ start: 0, end: MIB }]);
    assert.equal(nextHole(file, 0), MIB);
  });

  it('are punched, read as zeros and give their blocks back', (t) => {
    const file = newFile(t);
    writeAt(file, Buffer.alloc(2 * MIB, 1), 0);
    if (!punchHole(file, 0, MIB)) return skipLoudly(t, 'the file system cannot punch holes');
    assert.equal(statFd(file).sizeBytes, 2 * MIB);
    assert.ok(statFd(file).allocatedBytes <= MIB + 65_536);
    const buffer = Buffer.alloc(MIB, 9);
    assert.equal(readAt(file, buffer, 0), MIB);
    assert.ok(buffer.every((byte) => byte === 0));
    assert.equal(readAt(file, buffer, MIB), MIB);
    assert.ok(buffer.every((byte) => byte === 1));
  });

  it('are filled ahead without a change of size', (t) => {
    const file = newFile(t);
    if (!preallocate(file, 0, MIB)) return skipLoudly(t, 'the file system cannot reserve space');
    assert.equal(statFd(file).sizeBytes, 0);
    assert.ok(statFd(file).allocatedBytes >= MIB);
    assert.throws(() => preallocate(file, 0, 2 ** 52), { errno: /^(ENOSPC|EFBIG)$/ });
  });
});
