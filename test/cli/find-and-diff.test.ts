import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { peerSuite } from '../support/peers.ts';
import { Restic } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, testPassword, tranship } from '../support/tranship.ts';

/** A folder before and after what a diff must tell. */
function makeFolder(source: string): void {
  for (const folder of ['a', 'kept', 'gone/deep']) mkdirSync(join(source, folder), { recursive: true });
  writeFileSync(join(source, 'a', 'one.txt'), 'one');
  writeFileSync(join(source, 'kept', 'k'), 'kept');
  writeFileSync(join(source, 'gone', 'deep', 'x'), 'x');
  writeFileSync(join(source, 'type'), 'a file');
  writeFileSync(join(source, 'quote"<\n'), 'odd');
  writeFileSync(Buffer.concat([Buffer.from(`${source}/raw`), Buffer.from([0xff])]), 'raw');
  symlinkSync('one', join(source, 'link'));
}

function changeFolder(source: string): void {
  writeFileSync(join(source, 'a', 'one.txt'), 'one and more');
  rmSync(join(source, 'gone'), { recursive: true });
  rmSync(join(source, 'type'));
  for (const folder of ['type', 'new']) mkdirSync(join(source, folder));
  writeFileSync(join(source, 'type', 'inside'), 'inside');
  // The same contents as a file of an unchanged folder: no new blob.
  writeFileSync(join(source, 'new', 'copy.txt'), 'kept');
  chmodSync(join(source, 'quote"<\n'), 0o600);
  rmSync(join(source, 'link'));
  symlinkSync('two', join(source, 'link'));
}

/** Runs of spaces as one: columns may be of other widths. */
function squeezed(text: string): string {
  return text.replaceAll(/ +/g, ' ');
}

/** What is ours alone is left out. */
function withoutBytes(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, member: unknown) =>
    key === 'path_base64' ? undefined : member,
  );
}

peerSuite(['restic-newest'], 'find and diff', (paths) => {
  it('print what restic prints', async (t) => {
    const folder = temporaryFolder(t);
    const [repository, source] = [join(folder, 'repository'), join(folder, 'source')];
    makeFolder(source);
    await tranship(['init', '-r', repository]);
    const stage = async (): Promise<string> => {
      const args = ['stage', '-r', repository, source, '--as', '/data', '--json', '-q'];
      return String(message((await tranship(args)).stdout, 'summary')['snapshot_id']);
    };
    const before = await stage();
    changeFolder(source);
    const after = await stage();
    const restic = new Restic({
      binary: paths['restic-newest'],
      repository,
      password: testPassword,
      env: { TZ: 'UTC' },
    });
    const theirs = async (args: readonly string[]): Promise<string> =>
      (await restic.run([...args, '--no-lock'])).stdout.toString();
    const ours = async (args: readonly string[]): Promise<string> => {
      const { stdout, stderr, code } = await tranship([...args, '-r', repository, '--no-lock']);
      assert.deepEqual([stderr, code], ['', 0]);
      return stdout;
    };

    const json = (text: string): unknown[] =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => withoutBytes(JSON.parse(line)));
    for (const more of [[], ['--metadata']]) {
      const args = ['diff', before, after, '--json', ...more];
      assert.deepEqual(json(await ours(args)), json(await theirs(args)));
    }
    const subfolders = ['diff', `${after}:/data/a`, `${before}:/data/a`];
    assert.equal(await ours(subfolders), await theirs(subfolders));
    for (const args of [
      ['*.txt', 'k', '--json'],
      ['RAW*', 'QUOTE*', '-i', '--json', '--reverse'],
      ['/data/**/x', '--json', '-s', before],
    ]) {
      assert.deepEqual(json(await ours(['find', ...args])), json(await theirs(['find', ...args])));
    }
    const long = ['find', '-l', 'link', 'one*'];
    assert.equal(squeezed(await ours(long)), squeezed(await theirs(long)));
    const quiet = ['find', '-q', 'kept'];
    assert.equal(await ours(quiet), await theirs(quiet));

    for (const args of [['nothing'], ['nothing', '--json'], ['--host', 'none', 'kept', '--json']]) {
      assert.equal(await ours(['find', ...args]), await theirs(['find', ...args]));
    }
    const folderTree = JSON.parse((await restic.cat('tree', `${after}:/data/a`)).toString());
    const [{ content }] = folderTree.nodes;
    const blob = String(content[0]);
    const [{ parent_tree: tree }] = JSON.parse(await ours(['find', '--blob', blob, '--json']));
    const packs = readdirSync(join(repository, 'data'), { recursive: true, withFileTypes: true });
    for (const { name } of packs.filter((entry) => entry.isFile())) {
      const args = ['find', '--pack', name.slice(0, 8), '--json'];
      assert.deepEqual(json(await ours(args)), json(await theirs(args)));
    }
    for (const args of [
      ['--blob', blob, '--show-pack-id'],
      ['--blob', blob.slice(0, 8), '--json'],
      ['--tree', String(tree), '--show-pack-id'],
      ['--tree', String(tree).slice(0, 8), '--json', '--reverse'],
    ]) {
      assert.equal(await ours(['find', ...args]), await theirs(['find', ...args]));
    }
  });
});

describe('find and diff', () => {
  it('refuse what cannot be meant, and say what to do', async (t) => {
    const repository = join(temporaryFolder(t), 'repository');
    await tranship(['init', '-r', repository]);
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['find'], 2, /^tranship: no pattern was given: a name or a path, /],
      [['find', ''], 2, /^tranship: a pattern is empty \(write '\*' to find everything\)$/m],
      [['find', '['], 2, /^tranship: malformed pattern: "\[" \(close every /],
      [['find', '!a', '!b'], 2, /^tranship: the patterns can match nothing: !a !b \(/],
      [['find', 'a', '-O', '2026-02-30'], 2, /^tranship: --oldest is no time: "2026-02-30" \(write /],
      [
        ['find', 'a', '-O', '2026-01-02', '-N', '01.01.2026'],
        2,
        /^tranship: --oldest must be before --newest/,
      ],
      [['find', '--blob', '--tree', 'ab'], 2, /^tranship: --blob and --tree cannot be given together/],
      [['find', '--blob', 'ab', '-i'], 2, /^tranship: --ignore-case has no effect with --blob$/m],
      [['find', '--tree', 'ab', '-O', '2026-01-31'], 2, /^tranship: --oldest has no effect with --tree$/m],
      [['find', '--pack', 'ab', '-l'], 2, /^tranship: --long has no effect with --pack$/m],
      [['find', 'a', '--show-pack-id'], 2, /^tranship: --show-pack-id has no effect without --blob, /],
      [['find', '--blob', 'xyz'], 2, /^tranship: not an id: "xyz" \(give 2 to 64 hex digits/],
      [['find', '--pack', 'abcd'], 1, /^tranship: there is no pack of this id: abcd$/m],
      [['find', 'a', '-s', 'abcd'], 1, /^tranship: there is no snapshot of this id: abcd \(list them /],
      [['diff', 'latest'], 2, /^tranship: two snapshots are compared: give two ids/],
      [['diff', 'a', 'b', 'c'], 2, /^tranship: too many arguments: c$/m],
      [['diff', 'latest', 'latest'], 1, /^tranship: the repository holds no such snapshot: latest /],
    ];
    for (const [args, code, pattern] of cases) {
      const result = await tranship([...args, '-r', repository, '--no-lock']);
      assert.match(result.stderr, pattern);
      assert.deepEqual([result.stdout, result.code], ['', code], args.join(' '));
      assert.equal(result.stderr.trimEnd().split('\n').length, 1);
    }
  });
});
