import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { encodeTarHeader, tarEndBytes, tarPaddingBytes } from '../../../src/copy/archive/tar-header.ts';
import type { TarEntry } from '../../../src/copy/archive/tar-header.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { listTar } from './gnu-tar.ts';

const plain: TarEntry = {
  path: Buffer.from('file'),
  type: 'file',
  mode: 0o644,
  uid: 1,
  gid: 2,
  mtimeNs: 0n,
  sizeBytes: 0,
};

/** What tar lists of an archive of these entries, whose contents are holes. */
function listed(t: TestContext, ...entries: readonly Partial<TarEntry>[]): string[] {
  const path = join(temporaryFolder(t), 'archive');
  const fd = openSync(path, 'w');
  let position = 0;
  for (const entry of entries.map((given) => ({ ...plain, ...given }))) {
    position += writeSync(fd, encodeTarHeader(entry), 0, null, position);
    position += entry.sizeBytes + tarPaddingBytes(entry.sizeBytes);
  }
  ftruncateSync(fd, position + tarEndBytes);
  closeSync(fd);
  return listTar(path);
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('a header that GNU tar reads', () => {
  it('of every type', (t) => {
    const lines = listed(
      t,
      { mode: 0o4755, sizeBytes: 3 },
      { path: bytes('further'), type: 'link', linkTarget: bytes('file') },
      { path: bytes('symbolic'), type: 'symlink', mode: 0o777, linkTarget: bytes('../x y') },
      { path: bytes('folder'), type: 'dir', mode: 0o1777 },
      { path: bytes('pipe'), type: 'fifo' },
      { path: bytes('disk'), type: 'dev', device: 0x8000_0000_0301n },
      { path: bytes('terminal'), type: 'chardev', device: 0x10_f0f4n },
    );
    assert.deepEqual(
      lines.map((line) => line.replace(/ +/g, ' ')),
      [
        '-rwsr-xr-x 1/2 3 1970-01-01 00:00:00 file',
        'hrw-r--r-- 1/2 0 1970-01-01 00:00:00 further link to file',
        'lrwxrwxrwx 1/2 0 1970-01-01 00:00:00 symbolic -> ../x y',
        'drwxrwxrwt 1/2 0 1970-01-01 00:00:00 folder/',
        'prw-r--r-- 1/2 0 1970-01-01 00:00:00 pipe',
        'brw-r--r-- 1/2 32771,1 1970-01-01 00:00:00 disk',
        'crw-r--r-- 1/2 240,500 1970-01-01 00:00:00 terminal',
      ],
    );
  });

  it('with names of any bytes and any length', (t) => {
    const names = [
      '\xff\xfe\n\x01"\\',
      'ü',
      'a'.repeat(100),
      'b'.repeat(101),
      `${'\xe9/'.repeat(500)}x`,
      ' ',
      'x=',
    ];
    const lines = listed(t, ...names.map((name) => ({ path: bytes(name) })));
    assert.deepEqual(
      lines.map((line) => line.replace(/^.*00:00:00 /, '')),
      [
        '\\377\\376\\n\\001"\\\\',
        '\\374',
        'a'.repeat(100),
        'b'.repeat(101),
        `${'\\351/'.repeat(500)}x`,
        ' ',
        'x=',
      ],
    );
    const [utf8] = listed(t, { path: Buffer.from('grün'), linkTarget: Buffer.from('x/ö'), type: 'symlink' });
    assert.match(utf8 ?? '', /gr\\303\\274n -> x\/\\303\\266$/);
  });

  it('with link targets that are long or no UTF-8', (t) => {
    const target = 't\xff'.repeat(150);
    const [link] = listed(t, { type: 'symlink', linkTarget: bytes(target) });
    assert.ok(link?.endsWith(` -> ${'t\\377'.repeat(150)}`), link);
  });

  it('with sizes from 8 GiB on and owners of 32 bits', (t) => {
    const sizes = [8 * 2 ** 30 - 1, 8 * 2 ** 30, 9 * 2 ** 30 + 1];
    const lines = listed(t, ...sizes.map((sizeBytes) => ({ sizeBytes, uid: 4_294_967_294, gid: 2_097_152 })));
    assert.deepEqual(
      lines.map((line) => line.split(/ +/).slice(1, 3).join(' ')),
      sizes.map((size) => `4294967294/2097152 ${size}`),
    );
  });

  it('with times to the nanosecond, before the epoch too', (t) => {
    const times = [1_700_000_000_123_456_789n, 1_500_000_000n, -86_400_000_000_000n];
    const lines = listed(t, ...times.map((mtimeNs) => ({ mtimeNs })));
    assert.deepEqual(
      lines.map((line) => / 0 (\S+ \S+) +file$/.exec(line)?.[1]),
      ['2023-11-14 22:13:20.123456789', '1970-01-01 00:00:01.5', '1969-12-31 00:00:00'],
    );
    // Of these tar's listing shows the second wrong; it extracts them right.
    for (const [mtimeNs, text] of [
      [-1n, '22 mtime=-0.000000001\n'],
      [-1_500_000_000n, '14 mtime=-1.5\n'],
    ] as const) {
      const header = encodeTarHeader({ ...plain, mtimeNs });
      assert.equal(header.toString('latin1', 512, 512 + text.length), text);
    }
  });

  it('with records of any bytes, whose length counts itself', (t) => {
    for (const length of [0, 1, 70, 71, 72, 73, 960, 970, 979, 980, 981, 990, 65_536]) {
      const records = [{ key: 'SCHILY.xattr.user.x', value: Buffer.alloc(length, '\n=\0') }];
      assert.equal(listed(t, { records }, { path: bytes('next') }).length, 2, String(length));
      const text = encodeTarHeader({ ...plain, records }).subarray(512);
      const stated = Number(/^\d+/.exec(text.toString('latin1'))?.[0]);
      assert.equal(text[stated - 1], 0x0a, String(length));
      assert.ok(text.subarray(stated, -512).every((byte) => byte === 0));
    }
  });

  it('with names of owners', () => {
    const header = encodeTarHeader({ ...plain, user: 'root', group: 'größe'.repeat(8) });
    assert.match(header.toString('utf8'), /\d+ gname=(größe){8}\n/);
    assert.equal(header.subarray(-512).toString('latin1', 265, 270), 'root\0');
  });
});

describe('the plainest header', () => {
  it('is one block that every tar reads', (t) => {
    const header = encodeTarHeader(plain);
    assert.equal(header.length, 512);
    const { stdout } = spawnSync('tar', ['-tf', '-'], { input: header, encoding: 'utf8' });
    assert.equal(stdout, 'file\n');
    t.diagnostic('without an end mark');
  });
});
