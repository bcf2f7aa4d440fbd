import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeSnapshot, encodeSnapshot } from '../../../src/repository/format/snapshot.ts';
import type { Snapshot } from '../../../src/repository/format/snapshot.ts';
import { throwsCode } from '../../support/error-code.ts';
import { checkProperty } from '../../support/property.ts';
import { sha256 } from './tree-arbitrary.ts';

const [tree, parent, original] = [sha256('tree'), sha256('parent'), sha256('original')];
const where = 'snapshots/abc';

/** Every member, in restic's order. */
const fullText =
  `{"time":"2023-11-14T22:13:20.12-05:00","parent":"${parent}","tree":"${tree}","paths":["/a\\u003cb","/c"],` +
  '"hostname":"h","username":"u","uid":1000,"gid":1001,"excludes":["*.o"],"tags":["volume=x","y"],' +
  `"original":"${original}","program_version":"restic 0.18.1","summary":{"backup_start":"2023-11-14T22:13:20Z",` +
  '"backup_end":"2023-11-14T22:13:21Z","files_new":1,"files_changed":2,"files_unmodified":3,"dirs_new":4,' +
  '"dirs_changed":5,"dirs_unmodified":6,"data_blobs":7,"tree_blobs":8,"data_added":9,"data_added_packed":10,' +
  '"total_files_processed":11,"total_bytes_processed":12}}';

describe('a snapshot', () => {
  it('with every member is the JSON that restic writes', () => {
    const snapshot = decodeSnapshot(Buffer.from(fullText), where);
    assert.equal(encodeSnapshot(snapshot).toString(), fullText);
    assert.equal(snapshot.programVersion, 'restic 0.18.1');
    assert.equal(snapshot.summary?.dataAddedPacked, 10);
    assert.equal(snapshot.summary.totalFilesProcessed, 11);
    assert.equal(snapshot.extra, undefined);
  });

  it("leaves empty members out, also root's 0", () => {
    const snapshot: Snapshot = {
      time: '2023-11-14T22:13:20Z',
      tree,
      paths: ['/'],
      uid: 0,
      gid: 0,
      tags: [],
      hostname: '',
    };
    const text = `{"time":"2023-11-14T22:13:20Z","tree":"${tree}","paths":["/"]}`;
    assert.equal(encodeSnapshot(snapshot).toString(), text);
    const decoded = decodeSnapshot(Buffer.from(text), where);
    assert.equal(decoded.uid, 0);
    assert.equal(decoded.tags, undefined);
    assert.equal(decoded.summary, undefined);
  });

  it('hands on what other tools wrote', () => {
    const text =
      `{"time":"2023-11-14T22:13:20Z","tree":"${tree}","paths":[],"summary":{"backup_start":"2023-11-14T22:13:20Z",` +
      '"command":"rustic backup","files_new":1},"tranship":{"volume":"v"},"delete":"Never","label":"l",' +
      `"parents":["${parent}"],"__proto__":{"polluted":true}}`;
    const snapshot = decodeSnapshot(Buffer.from(text), where);
    assert.deepEqual({ ...snapshot.tranship }, { volume: 'v' });
    assert.deepEqual({ ...snapshot.summary?.extra }, { command: 'rustic backup' });
    assert.equal('polluted' in {}, false);
    const again = encodeSnapshot(snapshot).toString();
    assert.ok(
      again.endsWith(
        `"tranship":{"volume":"v"},"delete":"Never","label":"l","parents":["${parent}"],"__proto__":{"polluted":true}}`,
      ),
    );
    assert.deepEqual(decodeSnapshot(Buffer.from(again), where), snapshot);
  });

  it('gives back whatever it took', (t) => {
    const text = fc.string({ unit: 'binary', minLength: 1 });
    const snapshots = fc.record<Snapshot>(
      {
        time: fc.constantFrom('2023-11-14T22:13:20.5+05:30', '2023-11-14T22:13:20Z'),
        parent: fc.option(fc.constant(parent), { nil: undefined }),
        tree: fc.constant(tree),
        paths: fc.array(text),
        hostname: fc.option(text, { nil: undefined }),
        username: fc.option(text, { nil: undefined }),
        uid: fc.integer({ min: 0, max: 0xffff_ffff }),
        gid: fc.integer({ min: 0, max: 0xffff_ffff }),
        excludes: fc.option(fc.array(text, { minLength: 1 }), { nil: undefined }),
        tags: fc.option(fc.array(text, { minLength: 1 }), { nil: undefined }),
        original: fc.option(fc.constant(original), { nil: undefined }),
        programVersion: fc.option(text, { nil: undefined }),
        summary: fc.constant(undefined),
        tranship: fc.constant(undefined),
        extra: fc.constant(undefined),
      },
      { noNullPrototype: true },
    );
    checkProperty(
      t,
      fc.property(snapshots, (snapshot) => {
        assert.deepEqual(decodeSnapshot(encodeSnapshot(snapshot), where), snapshot);
      }),
    );
  });
});

describe('a hostile snapshot', () => {
  const good: Readonly<Record<string, unknown>> = { time: '2023-11-14T22:13:20Z', tree, paths: ['/'] };
  const changes: readonly (readonly [string, unknown])[] = [
    ['time', undefined],
    ['time', 'yesterday'],
    ['time', 7],
    ['tree', null],
    ['tree', 'x'],
    ['parent', 'x'],
    ['original', 7],
    ['paths', '/'],
    ['paths', [7]],
    ['tags', { 0: 'x' }],
    ['excludes', [null]],
    ['hostname', 7],
    ['uid', -1],
    ['gid', 2 ** 32],
    ['summary', []],
    ['summary', { files_new: -1 }],
    ['summary', { files_new: 2 ** 53 }],
    ['summary', { backup_end: 'x' }],
    ['tranship', 'x'],
  ];
  for (const [key, value] of changes) {
    it(`is refused with ${key} ${JSON.stringify(value)}`, () => {
      const bytes = Buffer.from(JSON.stringify({ ...good, [key]: value }));
      throwsCode('corrupt', () => decodeSnapshot(bytes, where), where);
    });
  }

  for (const text of [
    '',
    'null',
    '[]',
    '{',
    '\ufeff{}',
    '{"__proto__":{}}',
    fullText.slice(0, -1),
    `${fullText}x`,
  ]) {
    it(`is refused with the text ${text.slice(0, 20)}`, () => {
      throwsCode('corrupt', () => decodeSnapshot(Buffer.from(text), where), where);
    });
  }

  it('is refused with an unknown member of great depth', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const text = fullText.replace('{', `{"x":${deep},`);
    throwsCode('corrupt', () => decodeSnapshot(Buffer.from(text), where), where);
  });
});
