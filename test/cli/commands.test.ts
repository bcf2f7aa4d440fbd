import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, messages, tranship } from '../support/tranship.ts';
import type { TranshipOptions, TranshipResult } from '../support/tranship.ts';

/** One repository, through the life of one: each step relies on those before it. */
describe('the commands', () => {
  const cleanups: (() => void)[] = [];
  const folder = temporaryFolder({ after: (work: () => void) => void cleanups.push(work) });
  const source = join(folder, 'source');
  const repository = join(folder, 'repository');
  const target = join(folder, 'target');

  const run = (args: readonly string[], options: TranshipOptions = {}): Promise<TranshipResult> =>
    tranship(args, { ...options, env: { TRANSHIP_REPOSITORY: repository, ...options.env } });

  async function succeed(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(args);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    return stdout;
  }

  before(() => {
    mkdirSync(join(source, 'folder'), { recursive: true });
    writeFileSync(join(source, 'one'), 'one\n');
    writeFileSync(join(source, 'folder', 'two\n\u001b[2J'), 'two\n');
    writeFileSync(Buffer.concat([Buffer.from(`${source}/folder/`), Buffer.from([0xff, 0xfe])]), 'bytes');
    writeFileSync(join(source, 'left-out.tmp'), 'x');
  });

  after(() => {
    for (const cleanup of cleanups) cleanup();
  });

  it('init creates a repository, once', async () => {
    const created = message(await succeed('init', '--json', '--chunker', 'rabin'), 'initialized');
    assert.equal(created['repository'], repository);
    assert.match(String(created['id']), /^[0-9a-f]{64}$/);
    const { code, stderr } = await run(['init']);
    assert.match(stderr, /there is a repository already/);
    assert.equal(code, 1);
    const other = await tranship(['init', '--repo', join(folder, 'other')]);
    assert.match(other.stdout, /^created repository [0-9a-f]{10} at /);
  });

  it('weak keys are never made silently', async () => {
    const env = { TRANSHIP_TEST_WEAK_SCRYPT: '0' };
    await tranship(['init', '-r', join(folder, 'strong')], { env });
    const [key = ''] = readdirSync(join(folder, 'strong', 'keys'));
    const { N } = JSON.parse(readFileSync(join(folder, 'strong', 'keys', key), 'utf8'));
    assert.ok(N >= 2 ** 14);
  });

  it('stage prints a summary as restic does', async () => {
    const text = await succeed(
      'stage',
      source,
      '--exclude',
      '*.tmp',
      '--host',
      'node-1',
      '--tag',
      'a,b',
      '-v',
    );
    assert.match(text, /^new +\S*\/one \(\d+ B added\)$/m);
    assert.match(text, /^new +\S*\/two\\x0a\\x1b\[2J /m);
    assert.match(text, /^Files: +3 new, +0 changed, +0 unmodified$/m);
    assert.match(text, /^Added to the repository: .* stored\)$/m);
    assert.match(text, /^dedup \S+, compression \S+, \S+ MB\/s$/m);
    assert.match(text, /^processed 3 files, 13 B in 0:0\d$/m);
    assert.match(text, /^snapshot [0-9a-f]{8} saved$/m);
  });

  it('stage --json prints restic’s messages', async () => {
    appendFileSync(join(source, 'one'), 'more\n');
    const args = ['stage', source, '--exclude', '*.tmp', '--host', 'node-1', '--json', '-v', '-v'];
    const all = messages(await succeed(...args));
    const items = all.filter(({ message_type: type }) => type === 'verbose_status');
    const actions = Object.fromEntries(
      items.map(({ action, item }) => [String(item).split('/').at(-1), action]),
    );
    assert.equal(actions['one'], 'modified');
    assert.equal(actions['two\n\u001b[2J'], 'unchanged');
    const raw = items.find(({ path_base64: bytes }) => bytes !== undefined);
    assert.match(String(raw?.['item']), /\/folder\/\ufffd\ufffd$/);
    assert.ok(
      all.some(({ message_type: type, item }) => type === 'excluded_item' && /left-out/.test(String(item))),
    );
    const summary = all.at(-1) ?? {};
    const { files_new: added, files_changed: changed, files_unmodified: same, snapshot_id: id } = summary;
    assert.deepEqual([summary['message_type'], added, changed, same], ['summary', 0, 1, 2]);
    assert.match(String(id), /^[0-9a-f]{64}$/);
    assert.equal(summary['total_bytes_processed'], 18);
  });

  it('stage --as stores a volume under its name', async () => {
    const list = join(folder, 'list');
    writeFileSync(list, `${source}\n`);
    await succeed('stage', '--files-from-verbatim', list, '--as', '/data', '--compression', 'max', '-q');
    assert.match(await succeed('ls', 'latest:/data', '-q'), /^\/data\/folder$/m);
  });

  it('a dry run and an unchanged pass write no snapshot', async () => {
    const dry = await succeed('stage', source, '--as', '/data', '--dry-run', '--force');
    assert.match(dry, /dry run: nothing was written/);
    const same = await succeed(
      'stage',
      source,
      '--as',
      '/data',
      '--skip-if-unchanged',
      '--json',
      '-q',
      '--time',
      'now',
    );
    assert.equal(message(same, 'summary')['snapshot_id'], undefined);
    assert.equal(JSON.parse(await succeed('snapshots', '--json')).length, 3);
  });

  it('what cannot be staged is named, and the pass is partial', async () => {
    const missing = join(folder, 'missing');
    const text = await run(['stage', source, missing]);
    assert.match(text.stderr, /^error: \S*\/missing: /m);
    assert.match(text.stderr, /^warning: something could not be read, and is not in the snapshot$/m);
    assert.equal(text.code, 3);
    const json = await run(['stage', source, missing, '--json', '--dry-run']);
    const { error, item, during } = message(json.stderr, 'error');
    assert.match(JSON.stringify(error), /"message":/);
    assert.deepEqual([item, during, json.code], [missing, 'archival', 3]);
    const nothing = await run(['stage', missing]);
    assert.match(nothing.stderr, /^tranship: there is nothing to stage: /);
    assert.equal(nothing.code, 1);
  });

  it('snapshots are listed and filtered', async () => {
    const text = await succeed('snapshots');
    assert.match(text, /^ID +Time +Host +Tags +Paths +Size$/m);
    assert.match(text, /^[0-9a-f]{8} {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}node-1 +a +\/\S+source +13 B$/m);
    assert.match(text, /^4 snapshots$/m);
    const ids = async (...args: readonly string[]): Promise<number> =>
      JSON.parse(await succeed('snapshots', '--json', ...args)).length;
    assert.equal(await ids('--host', 'node-1'), 2);
    assert.equal(await ids('--host', hostname(), '--path', '/data'), 1);
    assert.equal(await ids('--tag', 'a,b', '--tag', 'none'), 1);
    assert.equal(await ids('--latest', '1', '--host', 'node-1'), 1);
    const [latest] = JSON.parse(await succeed('snapshots', 'latest', '--json', '--no-lock'));
    assert.equal(latest.short_id, latest.id.slice(0, 8));
    assert.equal(latest.summary.files_new, 4);
  });

  it('ls shows names that cannot reach the terminal', async () => {
    const text = await succeed('ls', 'latest', '--host', 'node-1');
    assert.match(text, /^snapshot [0-9a-f]{8} of \[\S+source\] at /);
    assert.match(text, /\/source\/folder\/two\\x0a\\x1b\[2J$/m);
    assert.match(text, /\/source\/folder\/\\xff\\xfe$/m);
    const one = await succeed('ls', `latest:${source}/one`, '-l', '-q', '--host', 'node-1');
    assert.match(one, /^-rw-r--r-- +\d+ +\d+ +9 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S*\/source\/one\n$/);
    const below = await succeed('ls', `latest:${source}`, '--recursive', '--json', '--host', 'node-1');
    const [first, ...nodes] = messages(below);
    assert.equal(first?.['struct_type'], 'snapshot');
    assert.deepEqual(
      nodes.map(({ type, struct_type: struct }) => `${String(struct)} ${String(type)}`),
      ['node dir', 'node file', 'node file', 'node file'],
    );
  });

  it('restore writes, verify agrees', async () => {
    const args = ['latest:/data', '--path', '/data', '--target', target];
    assert.match(await succeed('restore', ...args, '--dry-run'), /would restore snapshot [0-9a-f]{8} to /);
    const text = await succeed('restore', ...args, '--verify');
    assert.match(text, /^Files: +4 restored, 0 as they should be already$/m);
    assert.match(text, /the target is equal to the snapshot/);
    assert.equal(readFileSync(join(target, 'one'), 'utf8'), 'one\nmore\n');
    const again = messages(await succeed('restore', ...args, '--json')).at(-1) ?? {};
    const { files_restored: restored, files_skipped: skipped } = again;
    assert.deepEqual([again['message_type'], restored, skipped], ['summary', undefined, 4]);
  });

  it('verify names every difference and ends with 1', async () => {
    writeFileSync(join(target, 'one'), 'ONE\nmore\n');
    rmSync(join(target, 'left-out.tmp'));
    writeFileSync(join(target, 'extra'), '');
    const args = ['verify', 'latest:/data', '--path', '/data', '--target', target];
    const text = await run(args);
    assert.match(text.stdout, /^\/one: content: expected .*, found .*$/m);
    assert.match(text.stdout, /^\/left-out.tmp: missing: /m);
    assert.match(text.stdout, /^\/extra: extra: /m);
    assert.equal(text.code, 1);
    const json = await run([...args, '--json', '--metadata-only', '--no-extras', '--exclude', 'one']);
    const kinds = messages(json.stdout)
      .filter(({ message_type: type }) => type === 'difference')
      .map(({ item, kind }) => `${String(item)} ${String(kind)}`);
    assert.deepEqual(
      kinds.filter((line) => !line.endsWith('mtime')),
      ['/left-out.tmp missing'],
    );
    assert.equal(message(json.stdout, 'summary')['equal'], false);
    assert.equal(json.code, 1);
  });

  it('restore --delete --overwrite brings the target back', async () => {
    const args = [
      '--path',
      '/data',
      '--target',
      target,
      '--delete',
      '--overwrite',
      'always',
      '--json',
      '-v',
      '-v',
    ];
    const all = messages(await succeed('restore', 'latest:/data', ...args));
    const done = all
      .filter(({ message_type: type }) => type === 'verbose_status')
      .map(({ action, item }) => `${String(action)} ${String(item).replace(/^\//, '')}`);
    for (const expected of ['updated one', 'restored left-out.tmp', 'deleted extra'])
      assert.ok(done.includes(expected));
    await succeed('verify', 'latest:/data', '--path', '/data', '--target', target);
  });

  it('check reports', async () => {
    assert.match(await succeed('check'), /^no errors were found$/m);
    const whole = message(await succeed('check', '--read-data', '--json'), 'summary');
    assert.deepEqual([whole['num_errors'], whole['broken_packs']], [0, null]);
    assert.ok(Number(whole['bytes_read']) > 0);
    await succeed('check', '--read-data-subset', '100%', '--no-lock', '-q');
  });

  it('unlock and migrate say what they did', async () => {
    assert.match(await succeed('unlock'), /there was no lock to remove/);
    assert.deepEqual(
      message(await succeed('unlock', '--remove-all', '--json'), 'summary')['locks_removed'],
      [],
    );
    const { code, stderr } = await run(['migrate', 'upgrade-v2']);
    assert.match(stderr, /version 2 already/);
    assert.equal(code, 2);
    assert.equal((await run(['migrate', 'downgrade'])).code, 2);
  });

  it('no command leaves a lock behind', () => {
    assert.deepEqual(readdirSync(join(repository, 'locks')), []);
  });
});
