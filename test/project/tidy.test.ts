import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import { projectFiles, projectRoot, projectText, withoutComments } from '../support/project-files.ts';

const maximumLines = 500;
const maximumColumns = 120;
/** A hash or a test vector cannot be broken; anything with spaces can. */
const unbreakable = /\S{64}/;

const self = 'test/project/tidy.test.ts';
const textFiles = projectFiles(
  '**/*.{ts,mjs,js,json,md,yml,yaml,txt,sh}',
  '.*.json',
  '.gitignore',
  '.npmrc',
  '.prettierignore',
  '.ci/*',
  'bin/*',
  'LICENSE',
).filter((path) => !path.startsWith('test/fixtures/'));
const codeFiles = textFiles.filter((path) => /\.(?:ts|mjs)$/.test(path) || path === 'bin/tranship');

function violations(
  files: readonly string[],
  find: (text: string, path: string) => readonly string[],
): string[] {
  return files.flatMap((path) => find(projectText(path), path).map((found) => `${path}: ${found}`));
}

function matchingLines(text: string, pattern: RegExp): string[] {
  return text
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`line ${index + 1}: ${line.trim()}`] : []));
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

describe('size', () => {
  it(`no file is longer than ${maximumLines} lines`, () => {
    const found = violations(codeFiles, (text) => {
      const lines = text.split('\n').length - 1;
      return lines > maximumLines ? [`${lines} lines`] : [];
    });
    assert.deepEqual(found, []);
  });

  it(`no line is longer than ${maximumColumns} columns`, () => {
    const found = violations(codeFiles, (text) =>
      text.split('\n').flatMap((line, index) => {
        return line.length > maximumColumns && !unbreakable.test(line) ? [`line ${index + 1}`] : [];
      }),
    );
    assert.deepEqual(found, []);
  });
});

describe('wording', () => {
  const checked = codeFiles.filter((path) => path !== self && !path.includes('/assembly/'));

  it('nothing silences the compiler', () => {
    const silenced = /\bas any\b|:\s*any\b(?!\s*\w)|<any[,>]|\bany\[\]|\bas unknown as\b/;
    const directive = /@ts-(?:ignore|nocheck|expect-error)/;
    const found = violations(checked, (text) => [
      ...matchingLines(withoutComments(text), silenced),
      ...matchingLines(text, directive),
    ]);
    assert.deepEqual(found, []);
  });

  it('nothing is left for later', () => {
    assert.deepEqual(
      violations(checked, (text) => matchingLines(text, /\b(?:TODO|FIXME|XXX|HACK)\b/)),
      [],
    );
  });

  it('no test is singled out', () => {
    const single = /\b(?:it|test|describe|suite)\.only\(|\bonly: true\b/;
    assert.deepEqual(
      violations(checked, (text) => matchingLines(text, single)),
      [],
    );
  });

  it('no file names a place on the machine it was written on', () => {
    const home = homedir();
    const places = [
      `${escapeRegExp(projectRoot)}(?![\\w-])`,
      ...(home === '/' ? [] : [`${escapeRegExp(home)}/`]),
    ];
    const place = new RegExp(`(?<![\\w.-])(?:${places.join('|')})`);
    assert.deepEqual(
      violations(textFiles, (text) => matchingLines(text, place)),
      [],
    );
  });
});

describe('names', () => {
  const ownTree = projectFiles('{src,test,scripts,bench}/**/*.{ts,mjs,wasm}');

  it('files and folders are in kebab-case', () => {
    const part = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
    const wrong = ownTree.filter((path) => {
      const stem = path.replace(/(?:\.(?:test|bench))?\.(?:ts|mjs|wasm)$/, '');
      return !stem.split('/').every((name) => part.test(name));
    });
    assert.deepEqual(wrong, []);
  });

  it('no file is a drawer for everything', () => {
    const drawers = ['util', 'utils', 'helper', 'helpers', 'types', 'common', 'misc'];
    const wrong = ownTree.filter((path) =>
      path.split('/').some((name) => drawers.includes(basename(name).replace(/\..*$/, ''))),
    );
    assert.deepEqual(wrong, []);
  });
});

describe('text', () => {
  it('every text file ends in one newline and has no carriage return', () => {
    const found = violations(textFiles, (text) => [
      ...(text.endsWith('\n') ? [] : ['no newline at the end']),
      ...(text.endsWith('\n\n') ? ['empty lines at the end'] : []),
      ...(text.includes('\r\n') ? ['carriage returns'] : []),
    ]);
    assert.deepEqual(found, []);
  });

  it('nothing but text and WASM is committed as source', () => {
    const others = projectFiles('{src,scripts,bench,bin}/**').filter(
      (path) => !/\.(?:ts|mjs|json|wasm)$/.test(path) && path !== 'bin/tranship',
    );
    assert.deepEqual(others, []);
  });
});
