import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RepositoryError } from '../../../src/base/errors.ts';
import { createRabinChunker } from '../../../src/repository/chunker/rabin-chunker.ts';
import { chunkFile, keystream, slices } from '../../support/chunk-file.ts';
import { referenceRabinDigest } from '../../support/reference-chunker.ts';

const P = 0x3da3358b4dc173n;
const fileBytes = 32 * 1024 * 1024;

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** One line a chunk: length, digest at the cut, first 4 bytes of its SHA-256. */
function describeChunks(file: Uint8Array): string[] {
  const chunks = slices(file, chunkFile(createRabinChunker(P), file));
  return chunks.map((chunk) => {
    const digest = referenceRabinDigest(chunk.subarray(-64), P).toString(16).padStart(16, '0');
    return `${chunk.length} ${digest} ${sha256(chunk).slice(0, 8)}`;
  });
}

/** The last chunk of a file ends by no cut: its digest says nothing. */
function withoutLastDigest(lines: readonly string[]): string[] {
  return lines.map((line, i) => (i === lines.length - 1 ? line.replace(/ .* /, ' ') : line));
}

test("a keystream is cut as restic cuts it (restic 0.14's content list)", () => {
  const file = keystream(fileBytes);
  assert.equal(sha256(file), '580881df129d7ef36820a14231d4dab34d306a37ef48c49463da3b05282de687');
  assert.deepEqual(withoutLastDigest(describeChunks(file)), [
    '551133 00167b6ec4c00000 3ce030d9',
    '640712 001bea90f1e00000 074630d6',
    '2766582 001539bd75300000 a89379ee',
    '898583 0015cd4250800000 2a4a7a1c',
    '2782732 000f4db3ba400000 691f4c7c',
    '2263350 0014d5b3de700000 cb9cbc8f',
    '531615 001e6aaf03d00000 d7545cf7',
    '1191198 000960f8ac100000 c8f0bc88',
    '3039727 0000e59ffd000000 618b3ab4',
    '3056265 000776a196e00000 885e8b56',
    '6102139 000e19b85f400000 50df04d9',
    '872917 000fb3a8b8800000 1a5ccfc7',
    '919848 000061726e700000 1f995401',
    '1608882 0000f9f22af00000 b61c807c',
    '1844092 000f8fe1bb300000 9f7b9bae',
    '1605195 000d4e863b600000 0c1b3d3d',
    '2879462 124933c1',
  ]);
});

const goGenerator = `package main

import (
	"encoding/binary"
	"math/rand"
	"os"
)

func main() {
	source := rand.New(rand.NewSource(23))
	data := make([]byte, 32<<20)
	for i := 0; i < len(data); i += 4 {
		binary.LittleEndian.PutUint32(data[i:], source.Uint32())
	}
	os.Stdout.Write(data)
}
`;

const hasGo = spawnSync('go', ['version']).status === 0;

test(
  "restic's own test vectors",
  { skip: hasGo ? false : 'SKIPPED: its input needs a Go compiler' },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'tranship-go-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'main.go'), goGenerator);
    const file = execFileSync('go', ['run', 'main.go'], { cwd: folder, maxBuffer: 2 * fileBytes });
    assert.equal(sha256(file), '529617b3a6df2372a77f656f14a5baaf997dc03c1fc458d196f933fed0a46573');
    assert.deepEqual(withoutLastDigest(describeChunks(file)), [
      '2163460 000b98d4cdf00000 4b94cb2c',
      '643703 000d4e8364d00000 5727a63c',
      '1528956 0015a25c2ef00000 a7375963',
      '1955808 00102a8242e00000 c955fb05',
      '2222372 00045da878000000 6ba5e9f7',
      '2538687 00198a8179900000 86879374',
      '609606 001d4e8d17100000 5da82074',
      '1205738 000a7204dd600000 cc70d8fa',
      '959742 00183e71e1400000 4065bdd7',
      '4036109 001fec043c700000 b9cf166e',
      '1525894 000b1574b1500000 2f238180',
      '1352720 00018965f2e00000 afd12f13',
      '811884 00155628aa100000 42d0cdb1',
      '1282314 001909a0a1400000 819721c2',
      '1318021 001cceb980000000 842eb535',
      '948640 0011f7a470a00000 b8e36bf7',
      '645464 00030ce2d9400000 5584bd27',
      '533758 0004435c53c00000 4da778a2',
      '1128303 0000c48517800000 08c6b0b3',
      '800374 000968473f900000 820284d2',
      '2453512 001e197c92600000 5fa870ed',
      '2651975 000ae6c868000000 181347d2',
      '237392 fcd567f5',
    ]);
  },
);

test('zeros are cut at the minimum', () => {
  const file = Buffer.alloc(2 * 1024 * 1024);
  const chunks = slices(file, chunkFile(createRabinChunker(P), file));
  const id = '07854d2fef297a06ba81685e660c332de36d5d18d546927d30daad6d7fda1541';
  assert.deepEqual(chunks.map(sha256), [id, id, id, id]);
});

test('a polynomial of another degree is refused', () => {
  assert.throws(() => createRabinChunker(0x13n), RepositoryError);
  assert.throws(() => createRabinChunker(0n), RepositoryError);
});
