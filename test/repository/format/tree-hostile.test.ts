import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { RepositoryError } from '../../../src/base/errors.ts';
import { decodeTree, encodeTree } from '../../../src/repository/format/tree.ts';
import { throwsCode } from '../../support/error-code.ts';
import { checkProperty } from '../../support/property.ts';
import { arbitraryTree, sha256 } from './tree-arbitrary.ts';

const id = sha256('');

function refused(title: string, text: string): void {
  it(`refuses ${title}`, () =>
    throwsCode('corrupt', () => decodeTree(Buffer.from(text), 'tree abc'), 'tree abc'));
}

function refusedNodes(title: string, ...nodes: readonly string[]): void {
  refused(title, `{"nodes":[${nodes.join(',')}]}\n`);
}

function file(name: string, more = ''): string {
  return `{"name":"${name}","type":"file","mode":420,${more}"content":[]}`;
}

describe('the text of a tree', () => {
  refused('nothing', '');
  refused('white space', ' \n');
  refused('truncated text', '{"nodes":[');
  refused('a byte order mark', '\ufeff{"nodes":[]}');
  refused('trailing text', '{"nodes":[]}{}');
  refused('an array', '[]');
  refused('null', 'null');
  refused('a tree without nodes', '{}');
  refused('nodes that are null', '{"nodes":null}');
  refused('nodes that are an object', '{"nodes":{}}');
  refused('nodes in the prototype', '{"__proto__":{"nodes":[]}}');
  refused('a depth of a million', '{"nodes":['.repeat(1_000_000));
  refused('brackets a million deep', `{"nodes":[${'['.repeat(1e6)}${']'.repeat(1e6)}]}\n`);
});

describe('names in a tree', () => {
  for (const name of [
    '',
    '.',
    '..',
    '/',
    '/etc',
    'a/b',
    '../x',
    'x/..',
    'a\\\\x00b',
    '\\\\x2e\\\\x2e',
    '\\\\057',
    '\\\\u002f',
  ]) {
    refusedNodes(`the name ${JSON.stringify(name)}`, file(name));
  }
  refusedNodes('a NUL that JSON escapes', file('a\\u0000b'));
  refusedNodes('a name that is no Go string', file('a\\\\q'));
  refusedNodes('a name that is no string', '{"name":1,"type":"file"}');
  refusedNodes('no name', '{"type":"file"}');
  refusedNodes('a name in the prototype', '{"__proto__":{"name":"a"},"type":"file"}');
  refusedNodes('the same name twice', file('a'), file('a'));
  refusedNodes(
    'a link and a directory of one name',
    '{"name":"a","type":"symlink","linktarget":"/etc"}',
    `{"name":"a","type":"dir","subtree":"${id}"}`,
  );
  refusedNodes('one name in two spellings', file('a'), file('\\\\x61'));
  refusedNodes('names out of order', file('b'), file('a'));
  refusedNodes('names in the order of UTF-16', file('\u{1f600}'), file('\ue000'));

  it('may be long, or those of Object.prototype', () => {
    const names = ['__proto__', 'constructor', 'x'.repeat(4096)];
    const tree = decodeTree(Buffer.from(`{"nodes":[${names.map((name) => file(name)).join(',')}]}`), 'x');
    assert.deepEqual(
      tree.nodes.map((node) => Buffer.from(node.name).toString()),
      names,
    );
  });
});

describe('a node', () => {
  refusedNodes('null', 'null');
  refusedNodes('an array', '[]');
  refusedNodes('an unknown type', '{"name":"a","type":"door"}');
  refusedNodes('a type of Object.prototype', '{"name":"a","type":"constructor"}');
  refusedNodes('no type', '{"name":"a"}');
  for (const key of ['mode', 'uid', 'gid', 'size', 'links', 'inode', 'device_id', 'device']) {
    for (const value of ['-1', '1.5', '1e999', '"7"', '[]', '{}', 'true', '1e300']) {
      if (value === '"7"' && ['inode', 'device_id', 'device'].includes(key)) continue;
      refusedNodes(`${key} ${value}`, file('a', `"${key}":${value},`));
    }
  }
  for (const key of ['mode', 'uid', 'gid'])
    refusedNodes(`${key} beyond 32 bits`, file('a', `"${key}":4294967296,`));
  for (const key of ['inode', 'device_id', 'device']) {
    refusedNodes(`${key} beyond 64 bits`, file('a', `"${key}":18446744073709551616,`));
    refusedNodes(`${key} of many digits`, file('a', `"${key}":${'9'.repeat(400)},`));
    refusedNodes(`${key} that is text`, file('a', `"${key}":"seven",`));
  }
  refusedNodes('a size that a double rounds', file('a', '"size":9007199254740993,'));
  for (const key of ['mtime', 'atime', 'ctime']) {
    for (const value of ['""', '0', '"2023-13-01T00:00:00Z"', '"\\",\\"x"', '{}']) {
      refusedNodes(`${key} ${value}`, file('a', `"${key}":${value},`));
    }
  }
  for (const key of ['user', 'group', 'error', 'linktarget', 'linktarget_raw']) {
    refusedNodes(`${key} that is no text`, file('a', `"${key}":7,`));
  }
  refusedNodes('a raw target that is no base64', '{"name":"a","type":"symlink","linktarget_raw":"!!"}');
  refusedNodes('xattrs that are an object', file('a', '"extended_attributes":{},'));
  refusedNodes('an xattr without name', file('a', '"extended_attributes":[{"value":""}],'));
  refusedNodes('an xattr that is no base64', file('a', '"extended_attributes":[{"name":"x","value":"AA"}],'));
  refusedNodes('a generic attribute out of range', file('a', '"generic_attributes":{"x":[1e999]},'));
  refusedNodes(
    'a generic attribute that a double rounds',
    file('a', '"generic_attributes":{"x":9007199254740993},'),
  );
  refusedNodes(
    'a generic attribute of great depth',
    file('a', `"generic_attributes":{"x":${'['.repeat(1e5)}${']'.repeat(1e5)}},`),
  );
});

describe('what a node refers to', () => {
  for (const value of [
    '"x"',
    '{}',
    '[null]',
    '[7]',
    '[""]',
    '["abc"]',
    `["${id.toUpperCase()}"]`,
    `["${id}0"]`,
  ]) {
    refusedNodes(`content ${value}`, `{"name":"a","type":"file","content":${value}}`);
    refusedNodes(`subtree ${value}`, `{"name":"a","type":"dir","subtree":${value}}`);
  }
  refusedNodes('a directory with content', `{"name":"a","type":"dir","content":["${id}"]}`);
  refusedNodes('a file with children', `{"name":"a","type":"file","content":[],"subtree":"${id}"}`);
  refusedNodes('a link with children', `{"name":"a","type":"symlink","linktarget":"x","subtree":"${id}"}`);
});

describe('a damaged tree', () => {
  it('is decoded or refused, and never pollutes a prototype', (t) => {
    const damage = fc.tuple(
      arbitraryTree,
      fc.nat(),
      fc.nat(),
      fc.constantFrom('', '"', '\\', '{', ']', '9', '__proto__'),
    );
    checkProperty(
      t,
      fc.property(damage, ([nodes, at, cut, insert]) => {
        const bytes = encodeTree(nodes);
        const start = at % bytes.length;
        const rest = bytes.subarray(start + (cut % 4));
        try {
          decodeTree(Buffer.concat([bytes.subarray(0, start), Buffer.from(insert), rest]), 'x');
        } catch (error) {
          assert.ok(error instanceof RepositoryError && error.code === 'corrupt', String(error));
        }
        assert.deepEqual(Object.keys(Object.prototype), []);
      }),
      { small: 500, full: 50_000 },
    );
  });

  it('keeps __proto__ in generic attributes a name like any other', () => {
    const text = file('a', '"generic_attributes":{"__proto__":{"polluted":1}},');
    const [node] = decodeTree(Buffer.from(`{"nodes":[${text}]}`), 'x').nodes;
    assert.ok(node);
    assert.deepEqual(Object.keys(node.genericAttributes ?? {}), ['__proto__']);
    assert.equal('polluted' in {}, false);
    assert.ok(encodeTree([node]).includes('"generic_attributes":{"__proto__":{"polluted":1}}'));
  });
});
