import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { UsageError } from '../../../src/base/errors.ts';
import { parsePatternFile } from '../../../src/copy/source/pattern-file.ts';
import { anyOf, compilePatterns } from '../../../src/copy/source/patterns.ts';
import type { PatternList } from '../../../src/copy/source/patterns.ts';
import { peerSuite } from '../../support/peers.ts';
import { Restic } from '../../support/restic.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';
import type { Random } from '../../support/seed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Patterns, path, whether the list selects it, whether it may select something below. As restic 0.19.1 decides. */
const vectors: readonly (readonly [readonly string[], string, boolean, boolean])[] = [
  [['*.c'], '/foo/bar/test.c', true, true],
  [['*.c'], '/foo/bar/test.go', false, true],
  [['foo'], '/a/foo/b/c', true, true],
  [['foo/b'], '/a/foo/b/c', true, true],
  [['foo/c'], '/a/foo/b/c', false, true],
  [['/foo'], '/foo/x', true, true],
  [['/foo'], '/a/foo', false, false],
  [['/a/*/c'], '/a/b/c/d', true, true],
  [['/a/*/c'], '/a/b/x/c', false, false],
  [['foo/'], '/x/foo', true, true],
  [['./foo'], '/x/foo', true, true],
  [['x//foo'], '/x/foo', true, true],
  [['x/../foo'], '/y/foo', true, true],
  [['../foo'], '/y/foo', false, true],
  [['/../foo'], '/foo', true, true],
  [['**'], '/a', true, true],
  [['/**'], '/a', true, true],
  [['/'], '/a/b', true, true],
  [['*'], '/a', true, true],
  [['.'], '/a', false, true],
  [['!'], '/a', false, false],
  [['/a/**/c'], '/a/c', true, true],
  [['/a/**/c'], '/a/x/y/c/z', true, true],
  [['/a/**/c'], '/b/a/c', false, false],
  [['a/**/c'], '/x/a/y/c', true, true],
  [['**/c'], '/c', true, true],
  [['/a/**'], '/a', true, true],
  [['/a/**/**'], '/a', false, true],
  [['/a/**/**'], '/a/b', true, true],
  [['**/a/**/b/**'], '/a/b', false, true],
  [['**/a/**/b/**'], '/a/b/c', true, true],
  [['a**c'], '/abc', true, true],
  [['a**c'], '/a/b/c', false, true],
  [['?'], '/a', true, true],
  [['?'], '/é', true, true],
  [['??'], '/é', false, true],
  [['[a-c]x'], '/bx', true, true],
  [['[^a-c]x'], '/bx', false, true],
  [['[a\\-]'], '/-', true, true],
  [['[\\]]'], '/]', true, true],
  [['a]'], '/a]', true, true],
  [['\\*'], '/*', true, true],
  [['\\*'], '/a', false, true],
  [['\\!a'], '/!a', true, true],
  [['[z-a]'], '/b', false, true],
  [['[é-ü]'], '/ö', true, true],
  [['{a,b}'], '/a', false, true],
  [['*', '!keep'], '/a/keep', false, false],
  [['*', '!keep'], '/a/other', true, true],
  [['!keep', '*'], '/a/keep', true, true],
  [['a', '!a/b', 'a/b/c'], '/a/b/c', true, true],
  [['a', '!a/b'], '/a/b/c', false, false],
];

describe('patterns', () => {
  it('select what restic selects', () => {
    for (const [patterns, path, matches, below] of vectors) {
      const list = compilePatterns(patterns);
      assert.equal(list.matches(Buffer.from(path)), matches, `${patterns.join(' ')} on ${path}`);
      assert.equal(list.mayMatchBelow(Buffer.from(path)), below, `${patterns.join(' ')} below ${path}`);
    }
  });

  it('take an invalid byte as one character', () => {
    const path = Buffer.from('/\xff', 'latin1');
    for (const pattern of ['?', '[^a]', '[\ufffd]', '*', Buffer.from('\xff', 'latin1')]) {
      assert.equal(compilePatterns([pattern]).matches(path), true, String(pattern));
    }
    assert.equal(compilePatterns(['\ufffd']).matches(path), false);
    assert.equal(compilePatterns([Buffer.from('\xfe', 'latin1')]).matches(path), false);
  });

  it('ignore case when asked to', () => {
    const pairs = [
      ['FOO*', '/fooBAR'],
      ['foo', '/FOO'],
      ['É', '/é'],
      ['[A-C]', '/B'],
      ['Σ', '/σ'],
      ['İ', '/i'],
    ] as const;
    for (const [pattern, path] of pairs) {
      const list = compilePatterns([pattern], { caseInsensitive: true });
      assert.equal(list.matches(Buffer.from(path)), true, pattern);
    }
    assert.equal(compilePatterns(['foo']).matches(Buffer.from('/FOO')), false);
  });

  it('are refused when malformed, all of them in one error', () => {
    for (const pattern of ['[a', '[]a]', '[a-]', '[-a]', 'a\\', '/x/[/y', Buffer.from('[\xff]', 'latin1')]) {
      assert.throws(() => compilePatterns([pattern]), UsageError, String(pattern));
    }
    assert.throws(() => compilePatterns(['[a', 'fine', 'b\\']), /"\[a" "b\\\\"/);
  });

  it('match nothing when there are none', () => {
    const none = compilePatterns(['']);
    assert.equal(none.isEmpty, true);
    assert.equal(none.matches(Buffer.from('/a')), false);
    assert.equal(none.mayMatchBelow(Buffer.from('/a')), false);
    assert.equal(anyOf([none, compilePatterns([])]).isEmpty, true);
  });

  it('may match below the root of the file system', () => {
    assert.equal(compilePatterns(['/a/b']).mayMatchBelow(Buffer.from('/')), true);
  });

  it('add up over several lists', () => {
    const both = anyOf([compilePatterns(['/a']), compilePatterns(['B'], { caseInsensitive: true })]);
    assert.equal(both.matches(Buffer.from('/a')), true);
    assert.equal(both.matches(Buffer.from('/x/b')), true);
    assert.equal(both.matches(Buffer.from('/x/c')), false);
    assert.equal(both.mayMatchBelow(Buffer.from('/x')), true);
  });

  it('end for patterns that make a backtracking matcher explode', () => {
    const stars = compilePatterns([`${'a*'.repeat(100)}b`, `${'**/a/'.repeat(200)}b`]);
    assert.equal(stars.matches(Buffer.from(`/${'a'.repeat(255)}`)), false);
    assert.equal(stars.matches(Buffer.from('/a'.repeat(2000))), false);
  });
});

describe('properties of patterns', () => {
  const name = fc.stringMatching(/^[abA*?[\]^\\.!-]{1,4}$/);
  const component = fc.oneof(name, fc.constantFrom('**', '*', 'a', 'b', 'é'));
  const pattern = fc
    .tuple(fc.constantFrom('', '/'), fc.array(component, { minLength: 1, maxLength: 4 }))
    .map(([root, parts]) => root + parts.join('/'))
    .filter((text) => !text.startsWith('!') && isWellFormed(text));
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'é', '-'), { minLength: 1, maxLength: 5 });

  it('a pattern that selects a directory selects all below it', () => {
    fc.assert(
      fc.property(pattern, path, fc.constantFrom('a', 'x'), (text, parts, child) => {
        const list = compilePatterns([text]);
        const folder = `/${parts.join('/')}`;
        return !list.matches(Buffer.from(folder)) || list.matches(Buffer.from(`${folder}/${child}`));
      }),
    );
  });

  it('a directory above a selected path may match below', () => {
    fc.assert(
      fc.property(pattern, path, (text, parts) => {
        const list = compilePatterns([text]);
        if (!list.matches(Buffer.from(`/${parts.join('/')}`))) return true;
        return parts.every((_, i) => list.mayMatchBelow(Buffer.from(`/${parts.slice(0, i).join('/')}`)));
      }),
    );
  });
});

describe('pattern files', () => {
  it('leave out comments, blank lines and white space around a pattern', () => {
    const file = Buffer.from('# comment\n\n  a b \t\r\n\u00a0c\u3000\n \n\\#d\n  # e');
    assert.deepEqual(parsePatternFile(file).map(String), ['a b', 'c', '\\#d']);
  });

  it('keep bytes that are no UTF-8', () => {
    assert.deepEqual(parsePatternFile(Buffer.from('\xff\xc3\n \xfe', 'latin1')), [
      Buffer.from('\xff\xc3', 'latin1'),
      Buffer.from('\xfe', 'latin1'),
    ]);
  });

  it('may begin with a byte order mark', () => {
    assert.deepEqual(parsePatternFile(Buffer.from('\ufeffé')).map(String), ['é']);
    assert.deepEqual(parsePatternFile(Buffer.from('\ufeffé\na', 'utf16le')).map(String), ['é', 'a']);
    assert.deepEqual(parsePatternFile(Buffer.from('\ufeffé', 'utf16le').swap16()).map(String), ['é']);
  });

  it('replace variables only by what the caller gives', () => {
    const variable = (name: string): string | undefined => ({ HOME: '/home/é', x_1: 'y' })[name];
    const file = Buffer.from('$HOME/a\n${x_1}b$x_1\n~$$*\n$unset/c\na$\n$/d');
    assert.deepEqual(parsePatternFile(file, { variable }).map(String), [
      '/home/é/a',
      'yby',
      '~$*',
      '/c',
      'a$',
      '$/d',
    ]);
    assert.throws(() => parsePatternFile(Buffer.from('$HOME/a')), UsageError);
    assert.throws(() => parsePatternFile(Buffer.from('~$*')), UsageError);
    assert.deepEqual(parsePatternFile(Buffer.from('~$$a')).map(String), ['~$a']);
  });
});

peerSuite(['restic-oldest', 'restic-newest'], 'patterns and restic decide alike', (paths) => {
  for (const [name, binary] of Object.entries(paths)) {
    it(name, async (t) => {
      const folder = temporaryFolder(t);
      const restic = new Restic({ binary, repository: join(folder, 'repository') });
      await restic.init();
      await forEachSeed(t, scaled(2, 100), (seed) => compareDecisions(t, restic, folder, seed));
    });
  }
});

const namePool = ['a', 'b', 'ab', 'A', 'B', 'é', 'É', '.a', '-b', '[a]', 'a*', '\\', '!a', 'a b', '~$x'].map(
  (name) => Buffer.from(name),
);
const oddNames = [Buffer.from('a\xff', 'latin1'), Buffer.from('\xc3b', 'latin1'), Buffer.from('a\nb')];
const patternPool = [
  'a',
  'b',
  'ab',
  '*',
  '?',
  '??',
  '?b',
  'a*',
  '*b',
  '[ab]',
  '[^a]*',
  '**',
  'É',
  'a\\*',
  '\\[a\\]',
];

async function compareDecisions(t: TestContext, restic: Restic, folder: string, seed: number): Promise<void> {
  const random = createRandom(seed);
  const root = join(folder, `tree-${seed}`);
  mkdirSync(root);
  const entries = makeTree(random, Buffer.from(root), 4);
  const [exact, folded] = makePatterns(random, root);
  const exactFile = join(folder, `exact-${seed}`);
  const foldedFile = join(folder, `folded-${seed}`);
  writeFileSync(exactFile, exact);
  writeFileSync(foldedFile, folded);
  t.diagnostic(`seed ${seed}: ${JSON.stringify([exact.toString(), folded.toString()])}`);
  const summary = await restic.backup(
    [root],
    ['--exclude-file', exactFile, '--iexclude-file', foldedFile, '--force'],
  );
  const listing = await restic.ls(String(summary['snapshot_id']));
  const actual = listing.map((entry) => entry.path).filter((path) => path.startsWith(`${root}/`));
  const expected = kept(entries, listOf(exact, folded)).map(goText);
  assert.deepEqual(actual.toSorted(), expected.toSorted());
}

/** Patterns that leave the root itself in, since the two versions differ on an excluded root. */
function makePatterns(random: Random, root: string): [Buffer, Buffer] {
  for (;;) {
    const files: [Buffer, Buffer] = [patternLines(random, root, 4), patternLines(random, root, 2)];
    const list = listOf(...files);
    if (!list.matches(Buffer.from(root))) return files;
  }
}

function patternLines(random: Random, root: string, most: number): Buffer {
  const lines = Array.from({ length: random.below(most + 1) }, () => {
    const parts = Array.from({ length: random.between(1, 4) }, () =>
      random.chance(0.2) ? oddPattern(random) : Buffer.from(random.pick(['a', ...patternPool])),
    );
    const prefix = random.pick(['', '', '!', `${root}/`, `!${root}/`]);
    return Buffer.concat([Buffer.from(prefix), joinBytes(parts, '/')]);
  });
  return joinBytes(lines, '\n');
}

function oddPattern(random: Random): Buffer {
  return random.pick([
    Buffer.from('a\xff', 'latin1'),
    Buffer.from('\xc3*', 'latin1'),
    Buffer.from('a?'),
    Buffer.from('*$$*'),
  ]);
}

function listOf(exact: Buffer, folded: Buffer): PatternList {
  return anyOf([
    compilePatterns(parsePatternFile(exact)),
    compilePatterns(parsePatternFile(folded), { caseInsensitive: true }),
  ]);
}

interface Entry {
  readonly path: Buffer;
  readonly children: readonly Entry[];
}

function makeTree(random: Random, folder: Buffer, depth: number): Entry[] {
  const names = new Map<string, Buffer>();
  for (let i = random.between(1, 5); i > 0; i--) {
    const name = random.pick([Buffer.from('a'), ...namePool, ...oddNames]);
    names.set(name.toString('latin1'), name);
  }
  return [...names.values()].map((name) => {
    const path = Buffer.concat([folder, Buffer.from('/'), name]);
    if (depth === 0 || random.chance(0.3)) {
      writeFileSync(path, '');
      return { path, children: [] };
    }
    mkdirSync(path);
    return { path, children: makeTree(random, path, depth - 1) };
  });
}

function kept(entries: readonly Entry[], excluded: PatternList): Buffer[] {
  return entries
    .filter((entry) => !excluded.matches(entry.path))
    .flatMap((entry) => [entry.path, ...kept(entry.children, excluded)]);
}

function isWellFormed(pattern: string): boolean {
  try {
    compilePatterns([pattern]);
    return true;
  } catch {
    return false;
  }
}

function joinBytes(parts: readonly Buffer[], separator: string): Buffer {
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from(separator), part])));
}

/** Bytes as Go's JSON shows them; the odd names hold no invalid sequence that decoders count differently. */
function goText(path: Buffer): string {
  return path.toString('utf8');
}
