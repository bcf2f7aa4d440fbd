import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UsageError } from '../../../src/base/errors.ts';
import { close, openRoot } from '../../../src/base/file-system.ts';
import { createExclusion, parseSizeBytes } from '../../../src/copy/source/exclusion.ts';
import type { Exclusion, ExclusionOptions } from '../../../src/copy/source/exclusion.ts';
import { compilePatterns } from '../../../src/copy/source/patterns.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SIGNATURE = 'Signature: 8a477f597d28d172789f06886806bc55';

/** Names out of `a`, `TAG` and `CACHEDIR.TAG` that are left out of a folder; undefined when it is not tagged. */
function leftOut(exclusion: Exclusion, folder: string): string[] | undefined {
  const fd = openRoot(folder);
  try {
    const excludes = exclusion.taggedContents(fd);
    if (excludes === undefined) return undefined;
    return ['a', 'TAG', 'CACHEDIR.TAG'].filter((name) => excludes(Buffer.from(name)));
  } finally {
    close(fd);
  }
}

describe('exclusion', () => {
  it('leaves out nothing by default', (t) => {
    const exclusion = createExclusion();
    assert.equal(exclusion.excludesPath, undefined);
    assert.equal(exclusion.excludesStatus({ type: 'file', sizeBytes: 2 ** 50 }), false);
    assert.equal(leftOut(exclusion, temporaryFolder(t)), undefined);
  });

  it('leaves out paths by pattern', () => {
    const exclusion = createExclusion({ patterns: compilePatterns(['*.o']) });
    assert.equal(exclusion.excludesPath?.(Buffer.from('/a/b.o')), true);
    assert.equal(exclusion.excludesPath?.(Buffer.from('/a/b.c')), false);
  });

  it('leaves out larger files but no directory', () => {
    const exclusion = createExclusion({ largerThanBytes: 10 });
    assert.equal(exclusion.excludesStatus({ type: 'file', sizeBytes: 10 }), false);
    assert.equal(exclusion.excludesStatus({ type: 'file', sizeBytes: 11 }), true);
    assert.equal(exclusion.excludesStatus({ type: 'directory', sizeBytes: 4096 }), false);
  });

  it('leaves out what stands beside a tag file, not the tag file', (t) => {
    const folder = temporaryFolder(t);
    const exclusion = createExclusion({ ifPresent: ['TAG'] });
    assert.equal(leftOut(exclusion, folder), undefined);
    writeFileSync(join(folder, 'TAG'), '');
    assert.deepEqual(leftOut(exclusion, folder), ['a', 'CACHEDIR.TAG']);
  });

  it('leaves out the contents of tagged caches', (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'CACHEDIR.TAG'), `${SIGNATURE}\n# a comment`);
    assert.deepEqual(leftOut(createExclusion({ caches: true }), folder), ['a', 'TAG']);
    writeFileSync(join(folder, 'TAG'), '');
    const both = createExclusion({ caches: true, ifPresent: ['TAG'] });
    assert.deepEqual(leftOut(both, folder), ['a', 'TAG', 'CACHEDIR.TAG']);
  });

  it('warns of a tag file that is no tag, and leaves out nothing', (t) => {
    const makers: readonly ((path: string) => void)[] = [
      (path) => writeFileSync(path, 'Signature: something else, but long enough to be one'),
      (path) => writeFileSync(path, 'short'),
      (path) => mkdirSync(path),
      (path) => symlinkSync('/nowhere', path),
    ];
    for (const make of makers) {
      const folder = temporaryFolder(t);
      make(join(folder, 'CACHEDIR.TAG'));
      const warnings: string[] = [];
      const options: ExclusionOptions = {
        caches: true,
        onWarning: (problem) => warnings.push(problem.message),
      };
      assert.equal(leftOut(createExclusion(options), folder), undefined);
      assert.equal(warnings.length, 1);
      assert.match(warnings.join(), /CACHEDIR\.TAG/);
    }
  });

  it('takes HEADER after the first colon', (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'TAG'), 'x:y and more');
    assert.deepEqual(leftOut(createExclusion({ ifPresent: ['TAG:x:y'] }), folder), ['a', 'CACHEDIR.TAG']);
    assert.equal(leftOut(createExclusion({ ifPresent: ['TAG:y'] }), folder), undefined);
  });

  it('refuses a tag that is no name', () => {
    for (const spec of ['', ':header', 'a/b', '..']) {
      assert.throws(() => createExclusion({ ifPresent: [spec] }), UsageError, spec);
    }
  });
});

describe('sizes', () => {
  it('are read as restic reads them', () => {
    assert.equal(parseSizeBytes('0'), 0);
    assert.equal(parseSizeBytes('12'), 12);
    assert.equal(parseSizeBytes('12B'), 12);
    assert.equal(parseSizeBytes('3k'), 3072);
    assert.equal(parseSizeBytes('5M'), 5 * 1024 ** 2);
    assert.equal(parseSizeBytes('2g'), 2 * 1024 ** 3);
    assert.equal(parseSizeBytes('1T'), 1024 ** 4);
    for (const text of ['', 'k', '-1', '1.5M', '1 k', '1kb', '99999999999T']) {
      assert.throws(() => parseSizeBytes(text), UsageError, text);
    }
  });
});
