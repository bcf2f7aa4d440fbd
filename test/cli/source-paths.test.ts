import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { parseArguments } from '../../src/cli/arguments.ts';
import { sourcePathOptions, sourcePaths } from '../../src/cli/source-paths.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('source paths', () => {
  let folder = '';
  const warnings: string[] = [];

  beforeEach((t) => {
    folder = temporaryFolder(t as TestContext);
    warnings.length = 0;
    for (const name of ['a.log', 'b.log', '.hidden.log', 'c{1}.txt', 'x[1]'])
      writeFileSync(join(folder, name), name);
    mkdirSync(join(folder, 'd.log', 'e.log'), { recursive: true });
    symlinkSync('nowhere', join(folder, 'link.log'));
  });

  const paths = (argv: readonly string[]): Promise<readonly string[]> =>
    sourcePaths(parseArguments(argv, sourcePathOptions), (message) => warnings.push(message));
  const at = (...names: readonly string[]): string[] => names.map((name) => join(folder, name));
  const list = (contents: string | Buffer): string => {
    writeFileSync(join(folder, 'list'), contents);
    return join(folder, 'list');
  };

  it('patterns are expanded: hidden files and links too, folders without what they hold', async () => {
    assert.deepEqual(await paths(at('*.log')), at('.hidden.log', 'a.log', 'b.log', 'd.log', 'link.log'));
    assert.deepEqual(await paths(at('{a,b}.log', '?.log')), at('a.log', 'b.log', 'd.log'));
  });

  it('what exists literally is no pattern, what matches nothing stays', async () => {
    assert.deepEqual(await paths(at('x[1]', 'none*')), at('x[1]', 'none*'));
  });

  it('a file of patterns knows comments, and no braces, as restic', async () => {
    const file = list(`# comment\n\n  ${folder}/[ab].log  \n${folder}/c{1}.tx?\n${folder}/{a,b}.log\n`);
    assert.deepEqual(await paths(['--files-from', file]), at('a.log', 'b.log', 'c{1}.txt'));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /nothing matches/);
  });

  it('verbatim and raw lists are taken as they are', async () => {
    assert.deepEqual(await paths(['--files-from-verbatim', list('/x*\n#y\n\n')]), ['/x*', '#y']);
    assert.deepEqual(await paths(['--files-from-raw', list('/a\nb\0/c\0')]), ['/a\nb', '/c']);
    await assert.rejects(paths(['--files-from-raw', list(Buffer.from([0x2f, 0xff, 0]))]), /must be UTF-8/);
  });

  it('nothing at all is refused, a list that is not there too', async () => {
    await assert.rejects(paths([]), /nothing to stage/);
    await assert.rejects(paths(['--files-from', list('')]), /nothing to stage/);
    await assert.rejects(paths(['--files-from', join(folder, 'none')]), /cannot read the file/);
  });
});
