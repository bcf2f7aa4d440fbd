import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { TreeNode } from '../../../src/repository/format/tree-node.ts';
import { compareNames, decodeTree, encodeTree } from '../../../src/repository/format/tree.ts';
import { throwsCode } from '../../support/error-code.ts';
import { checkProperty } from '../../support/property.ts';
import { isFullScale } from '../../support/seed.ts';
import { arbitraryTree, fileNode, sha256 } from './tree-arbitrary.ts';

const utc = '2023-11-14T22:13:20.12Z';
const times = { mtime: utc, atime: utc, ctime: utc };

/** The nodes of the reference tree, which Go wrote. */
const referenceNodes: readonly TreeNode[] = [
  {
    name: Buffer.from('A"\\\n\x01\xff<\xc3\xa9>', 'latin1'),
    type: 'file',
    mode: 420,
    ...times,
    ctime: '2023-11-14T17:13:20.12-05:00',
    uid: 1000,
    gid: 0,
    user: 'u',
    inode: 7n,
    deviceId: 3n,
    size: 5,
    links: 1,
    extendedAttributes: [
      { name: 'user.k', value: Buffer.from('0076ff', 'hex') },
      { name: 'user.e', value: Buffer.alloc(0) },
    ],
    content: [sha256('hello')],
  },
  {
    name: Buffer.from('empty'),
    type: 'file',
    mode: 8_389_101,
    ...times,
    uid: 0,
    gid: 0,
    links: 1,
    content: [],
  },
  {
    name: Buffer.from('ln'),
    type: 'symlink',
    mode: 134_218_239,
    ...times,
    uid: 0,
    gid: 0,
    links: 1,
    linkTarget: Buffer.from('74ff', 'hex'),
    content: null,
  },
];

const referenceText =
  String.raw`{"nodes":[{"name":"A\\\"\\\\\\n\\x01\\xff\u003cé\u003e","type":"file","mode":420,` +
  `"mtime":"${utc}","atime":"${utc}","ctime":"2023-11-14T17:13:20.12-05:00","uid":1000,"gid":0,"user":"u",` +
  '"inode":7,"device_id":3,"size":5,"links":1,"extended_attributes":[{"name":"user.k","value":"AHb/"},' +
  '{"name":"user.e","value":""}],"content":["2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"]},' +
  `{"name":"empty","type":"file","mode":8389101,"mtime":"${utc}","atime":"${utc}","ctime":"${utc}","uid":0,"gid":0,` +
  `"links":1,"content":[]},{"name":"ln","type":"symlink","mode":134218239,"mtime":"${utc}","atime":"${utc}",` +
  String.raw`"ctime":"${utc}","uid":0,"gid":0,"links":1,"linktarget":"t\ufffd","linktarget_raw":"dP8=","content":null}]}` +
  '\n';

describe('a tree', () => {
  it('is the reference tree, byte for byte', () => {
    const bytes = encodeTree(referenceNodes);
    assert.equal(bytes.toString(), referenceText);
    assert.equal(bytes.length, 855);
    assert.equal(sha256(bytes), 'a4883d42e9a6b0e099f0abf0b7232afcd80bfc700f7e43cb4a66f817d559ea00');
    assert.deepEqual(encodeTree(decodeTree(bytes, 'x').nodes), bytes);
    assert.deepEqual(decodeTree(bytes, 'x').nodes[0]?.name, referenceNodes[0]?.name);
    assert.deepEqual(decodeTree(bytes, 'x').nodes[2]?.linkTarget, referenceNodes[2]?.linkTarget);
  });

  it('without nodes is the empty tree of restic', () => {
    const bytes = encodeTree([]);
    assert.equal(sha256(bytes), 'ac08ce34ba4f8123618661bef2425f7028ffb9ac740578a3ee88684d2523fee8');
    assert.deepEqual(decodeTree(bytes, 'x'), { nodes: [] });
  });

  it('gives back every node that it took', (t) => {
    checkProperty(
      t,
      fc.property(arbitraryTree, (nodes) => {
        const bytes = encodeTree(nodes);
        const decoded = decodeTree(bytes, 'x').nodes;
        assert.deepEqual(decoded.map(comparable), nodes.map(comparable));
        assert.deepEqual(encodeTree(decoded), bytes);
      }),
      { small: 300, full: 10_000 },
    );
  });

  it('keeps 64-bit numbers that a double rounds, and text that looks like them', () => {
    const top = 0xffff_ffff_ffff_ffffn;
    const name = Buffer.from('"inode":18446744073709551615,"device":12345678901234567');
    const node = { ...fileNode('x'), name, inode: top, deviceId: top - 1n, device: 9_007_199_254_740_993n };
    const bytes = encodeTree([{ ...node, user: name.toString() }]);
    const [decoded] = decodeTree(bytes, 'x').nodes;
    assert.equal(decoded?.inode, top);
    assert.equal(decoded?.deviceId, top - 1n);
    assert.equal(decoded?.device, 9_007_199_254_740_993n);
    assert.deepEqual(decoded?.name, name);
    assert.equal(decoded?.user, name.toString());
    const spaced = bytes.toString().replaceAll('"inode":1844', '"inode" :\t1844');
    assert.equal(decodeTree(Buffer.from(spaced), 'x').nodes[0]?.inode, top);
  });

  it('writes Windows attributes with sorted names and hands their values on', () => {
    const genericAttributes = { 'windows.z': { b: 1, a: ['<'] }, 'windows.a': 'text' };
    const bytes = encodeTree([{ ...fileNode('x'), genericAttributes }]);
    assert.ok(
      bytes.includes(
        '"generic_attributes":{"windows.a":"text","windows.z":{"b":1,"a":["\\u003c"]}},"content"',
      ),
    );
    const [decoded] = decodeTree(bytes, 'x').nodes;
    assert.deepEqual({ ...decoded?.genericAttributes }, genericAttributes);
    assert.deepEqual(encodeTree(decoded === undefined ? [] : [decoded]), bytes);
  });

  it('takes what Go reads as zero values: rustic leaves unknown metadata out', () => {
    const text = '{"nodes":[{"name":"a","type":"file","content":null},{"name":"b","type":"dir"}]}';
    const [file, dir] = decodeTree(Buffer.from(text), 'x').nodes;
    assert.deepEqual(file?.content, []);
    assert.equal(file?.mtime, '0001-01-01T00:00:00Z');
    assert.equal(file?.uid, 0);
    assert.equal(file?.size, 0);
    assert.equal(dir?.content, null);
    assert.equal(dir?.subtree, undefined);
  });

  it('ignores unknown members, also in other forms than restic writes', () => {
    const text =
      ' { "format" : 3, "nodes" : [ { "content" : [ ] , "type" : "file" , "name" : "a", "x":{"name":"y"} } ] } ';
    assert.deepEqual(
      decodeTree(Buffer.from(text), 'x').nodes.map((node) => Buffer.from(node.name).toString()),
      ['a'],
    );
  });
});

describe('encoding a tree', () => {
  it('refuses names out of order, byte order deciding', () => {
    const astral = fileNode('\u{1f600}');
    const privateUse = fileNode('\ue000');
    assert.ok(compareNames(privateUse.name, astral.name) < 0);
    encodeTree([privateUse, astral]);
    throwsCode('invalid-argument', () => encodeTree([astral, privateUse]));
    throwsCode('invalid-argument', () => encodeTree([fileNode('a'), fileNode('a')]));
  });

  const broken: Readonly<Record<string, Partial<TreeNode>>> = {
    'an empty name': { name: Buffer.alloc(0) },
    'a name with a slash': { name: Buffer.from('a/b') },
    'a name with a NUL': { name: Buffer.from('a\0') },
    'the name ..': { name: Buffer.from('..') },
    'a negative mode': { mode: -1 },
    'a fractional owner': { uid: 0.5 },
    'an owner beyond 32 bits': { gid: 2 ** 32 },
    'a size that is no number': { size: Number.NaN },
    'a negative link count': { links: -1 },
    'an inode beyond 64 bits': { inode: 1n << 64n },
    'a content id in upper case': { content: ['A'.repeat(64)] },
    'a file without content': { content: null },
    'a file with a subtree': { subtree: sha256('') },
  };
  for (const [what, change] of Object.entries(broken)) {
    it(`refuses ${what}`, () =>
      throwsCode('invalid-argument', () => encodeTree([{ ...fileNode('x'), ...change }])));
  }
});

/** `count` files in order; every thousandth has an inode that a double rounds. */
function manyFiles(count: number, more: Partial<TreeNode> = {}): readonly TreeNode[] {
  const content = [sha256('hello')];
  return Array.from({ length: count }, (_, index) => ({
    ...fileNode(String(index).padStart(9, '0')),
    inode: index % 1000 === 0 ? 2n ** 63n : 1n,
    content,
    ...more,
  }));
}

function assertRoundTrip(bytes: Buffer, count: number): void {
  const { nodes } = decodeTree(bytes, 'x');
  assert.equal(nodes.length, count);
  assert.equal(nodes[1000]?.inode, 2n ** 63n);
  assert.equal(sha256(encodeTree(nodes)), sha256(bytes));
}

describe('a large tree', () => {
  it('passes in both directions, slice by slice', () => {
    const count = isFullScale() ? 1_000_000 : 20_000;
    assertRoundTrip(encodeTree(manyFiles(count)), count);
  });

  it('passes with xattrs that look like nodes to whoever cuts the text', () => {
    const extendedAttributes = [
      { name: 'user.a', value: Buffer.from('x') },
      { name: '","type":"', value: Buffer.alloc(0) },
    ];
    assertRoundTrip(encodeTree(manyFiles(5000, { extendedAttributes })), 5000);
  });

  it('passes where nested values look like nodes', () => {
    const trap = '"x":[{"name":"n","type":"file"},{"name":"n","type":"file"}],';
    const text = Array.from(
      { length: 5000 },
      (_, index) => `{"name":"${String(index).padStart(5, '0')}","type":"file",${trap}"content":[]}`,
    );
    assert.equal(decodeTree(Buffer.from(`{"nodes":[${text.join(',')}]}\n`), 'x').nodes.length, 5000);
  });

  it('is refused when its slices are in order but not with one another', () => {
    const bytes = encodeTree(Array.from({ length: 5000 }, (_, index) => fileNode(String(index + 10_000))));
    const swapped = Buffer.from(bytes.toString().replace('"name":"14999"', '"name":"13000"'));
    throwsCode('corrupt', () => decodeTree(swapped, 'x'));
    throwsCode('corrupt', () => decodeTree(bytes.subarray(0, -20), 'x'));
  });
});

/** Members that say nothing removed, views and prototypes made equal. */
function comparable(node: TreeNode): Record<string, unknown> {
  const entries = Object.entries(node).flatMap(([key, value]) => {
    const isNothing = value === undefined || value === '' || (key === 'size' && value === 0);
    return isNothing || (typeof value === 'bigint' && value === 0n) ? [] : [[key, plain(value)] as const];
  });
  return Object.fromEntries(entries);
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}
