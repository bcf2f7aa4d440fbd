import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { peerSuite } from '../support/peers.ts';
import { Restic } from '../support/restic.ts';
import { createRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { shell, testPassword, tranship } from '../support/tranship.ts';
import type { TranshipResult } from '../support/tranship.ts';

/** A folder with an empty repository's place and a source, for the tests of one suite. */
class Place {
  readonly #cleanups: (() => void)[] = [];
  readonly folder = temporaryFolder({ after: (work: () => void) => void this.#cleanups.push(work) });
  readonly repository = join(this.folder, 'repository');
  readonly source = join(this.folder, 'source');

  async stage(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await this.run('stage', this.source, '-q', ...args);
    assert.equal(stderr, '');
    assert.equal(code, 0);
  }

  run(...args: readonly string[]): Promise<TranshipResult> {
    return tranship(args, { env: { TRANSHIP_REPOSITORY: this.repository } });
  }

  async print(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    return stdout;
  }

  /** A line of shell, in the folder. */
  shell(script: string): Promise<TranshipResult> {
    return shell(script, { cwd: this.folder, env: { TRANSHIP_REPOSITORY: this.repository } });
  }

  fill(): void {
    mkdirSync(join(this.source, 'sub', 'deep'), { recursive: true });
    writeFileSync(join(this.source, 'sub', 'deep', 'text'), 'hello\n');
    linkSync(join(this.source, 'sub', 'deep', 'text'), join(this.source, 'further'));
    writeFileSync(join(this.source, 'same'), 'hello\n');
    writeFileSync(join(this.source, 'empty'), '');
    writeFileSync(join(this.source, 'binary'), createRandom(3).bytes(2 ** 21));
    writeFileSync(Buffer.concat([Buffer.from(`${this.source}/`), Buffer.from([0xff, 0x0a])]), 'bytes');
  }

  remove(): void {
    for (const cleanup of this.#cleanups) cleanup();
  }
}

describe('dump', () => {
  const place = new Place();

  before(async () => {
    place.fill();
    await place.print('init');
    await place.stage('--as', '/v');
  });

  after(() => place.remove());

  it('prints a file, by either form of its path', async () => {
    assert.equal(await place.print('dump', 'latest', '/v/sub/deep/text'), 'hello\n');
    assert.equal(await place.print('dump', 'latest:/v', 'further'), 'hello\n');
    assert.equal(await place.print('dump', 'latest:/v/sub/deep/text'), 'hello\n');
    const { stdout } = await place.shell('tranship dump latest /v/binary | cmp - source/binary && echo same');
    assert.equal(stdout, 'same\n');
  });

  it('pipes a folder into tar', async () => {
    const flags = '--numeric-owner --xattrs --xattrs-include=* --acls -xpf - -C';
    const { stderr, code } = await place.shell(`
      mkdir whole part
      tranship dump latest / | tar ${flags} whole
      tranship dump latest:/v /sub | tar ${flags} part`);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const ignore = ['root', 'allocation'] as const;
    assert.deepEqual(
      compareTrees(place.source, join(place.folder, 'whole', 'v'), { ignore: ['allocation'] }),
      [],
    );
    const [sub, part] = [join(place.source, 'sub'), join(place.folder, 'part', 'sub')];
    assert.deepEqual(compareTrees(sub, part, { ignore: [...ignore, 'links'] }), []);
  });

  it('writes a target for its owner alone, and none when it fails', async () => {
    const target = join(place.folder, 'target.tar');
    await place.print('dump', 'latest:/v', '--target', target);
    assert.equal(statSync(target).mode & 0o777, 0o600);
    const list = execFileSync('tar', ['-tf', target], { encoding: 'utf8' });
    assert.deepEqual(list.split('\n').slice(0, 3), ['binary', 'empty', 'further']);
    await place.print('dump', 'latest:/v/empty', '-t', target);
    assert.equal(statSync(target).size, 0, 'what was there is replaced');
    const damaged = join(place.folder, 'damaged');
    const { code, stderr } = await place.shell(`
      cp -r repository damaged
      find damaged/data -type f -size +100k -exec rm {} +
      tranship dump -r damaged latest:/v --target new.tar`);
    assert.match(stderr, /^tranship: a pack is missing .*: \/\S+, data\/\S+$/m);
    assert.equal(code, 1);
    assert.ok(!existsSync(join(place.folder, 'new.tar')), damaged);
  });

  it('a FIFO as target made a process that only SIGKILL ended, and left its lock', async () => {
    const fifo = join(place.folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const { code, stderr } = await place.run('dump', 'latest', '/v/same', '--target', fifo);
    assert.equal(stderr, `tranship: a FIFO is no target: ${fifo} (redirect standard output to it)\n`);
    assert.equal(code, 2);
    assert.deepEqual(readdirSync(join(place.repository, 'locks')), []);
    const { stdout } = await place.shell('cat fifo & tranship dump latest /v/same > fifo; wait');
    assert.equal(stdout, 'hello\n');
  });

  it('refuses by one line what it cannot do', async () => {
    const cases: readonly (readonly [RegExp, number, ...string[]])[] = [
      [/^tranship: no snapshot was given/, 2],
      [/^tranship: no file was given \(name a file or folder of the snapshot; \/ is all\)/, 2, 'latest'],
      [/^tranship: too many arguments: x/, 2, 'latest', '/v', 'x'],
      [/^tranship: unknown value of --archive: "zip" \(use one of: tar\)/, 2, 'latest', '/v', '-a', 'zip'],
      [/^tranship: the snapshot holds no such path: \w+:\/v\/no /, 1, 'latest', '/v/no'],
      [/^tranship: the snapshot holds no such path: \w+:\/v\/same\/x /, 1, 'latest', '/v/same/x'],
      [/^tranship: cannot write the file, .*: \/no\/where/, 1, 'latest', '/v', '-t', '/no/where'],
    ];
    const results = await Promise.all(cases.map(([, , ...args]) => place.run('dump', ...args)));
    for (const [i, { stdout, stderr, code }] of results.entries()) {
      const [message, expected] = cases[i] ?? [/never/, 0];
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().includes('\n'), false, stderr);
      assert.deepEqual([stdout, code], ['', expected]);
    }
  });

  it('ends when nobody reads any more, and leaves no lock', async () => {
    const { stdout } = await place.shell(
      'set +o pipefail; tranship dump latest /v/binary | head -c 1 | wc -c',
    );
    assert.equal(stdout.trim(), '1');
    assert.deepEqual(readdirSync(join(place.repository, 'locks')), []);
  });
});

describe('cat and stats', () => {
  const place = new Place();

  before(async () => {
    place.fill();
    await place.print('init');
    await place.stage('--as', '/v');
  });

  after(() => place.remove());

  it('cat refuses by one line what it cannot print', async () => {
    const zeros = '0'.repeat(64);
    const cases: readonly (readonly [RegExp, number, ...string[]])[] = [
      [/^tranship: no kind of object was given \(one of: config, masterkey, /, 2],
      [/^tranship: unknown kind of object: packs \(one of: /, 2, 'packs'],
      [/^tranship: no id was given: pack/, 2, 'pack'],
      [/^tranship: too many arguments: x/, 2, 'config', 'x'],
      [/^tranship: not an index file: zz \(give an id of hex digits/, 2, 'index', 'zz'],
      [/^tranship: there is no key of this id: 0000 /, 1, 'key', '0000'],
      [/^tranship: there is no blob of this id: 0000/, 1, 'blob', zeros],
      [/^tranship: .*data\/00\/0000/, 1, 'pack', zeros],
      [/^tranship: not a folder, but a node of type file: latest:\/v\/same/, 1, 'tree', 'latest:/v/same'],
    ];
    const results = await Promise.all(cases.map(([, , ...args]) => place.run('cat', ...args)));
    for (const [i, { stdout, stderr, code }] of results.entries()) {
      const [message, expected] = cases[i] ?? [/never/, 0];
      assert.match(stderr, message);
      assert.deepEqual([stdout, code], ['', expected]);
    }
  });

  it('cat shows what is ours, too, and says of a pack that it is damaged', async () => {
    const config: unknown = JSON.parse(await place.print('cat', 'config'));
    assert.deepEqual(Object.keys(Object(config)), ['version', 'id', 'chunker_polynomial', 'tranship']);
    const { stderr, stdout, code } = await place.shell(`
      cp -r repository damaged
      pack=$(find damaged/data -type f | head -n 1)
      chmod u+w $pack
      printf x >> $pack
      tranship cat -r damaged pack $(basename $pack) | cmp - $pack && echo printed`);
    assert.match(stderr, /^warning: the pack does not hash to its name: data\//m);
    assert.deepEqual([stdout, code], ['printed\n', 0]);
  });

  it('stats counts, filters and refuses other modes', async () => {
    const text = await place.print('stats', 'latest', '--mode', 'files-by-contents');
    assert.match(
      text,
      /^Stats in files-by-contents mode:\n +Snapshots processed: {2}1\n +Total File Count: {2}4\n/,
    );
    const none = await place.print('stats', '--host', 'nobody', '--json');
    assert.deepEqual(JSON.parse(none), { total_size: 0, snapshots_count: 0 });
    const wrong = await place.run('stats', '--mode', 'bytes');
    assert.match(wrong.stderr, /^tranship: unknown value of --mode: "bytes" \(use one of: restore-size, /);
    assert.equal(wrong.code, 2);
    const unknown = await place.run('stats', 'ffff');
    assert.match(unknown.stderr, /^tranship: there is no snapshot of this id: ffff /);
    assert.equal(unknown.code, 1);
  });
});

peerSuite(['restic-newest'], 'dump, cat and stats beside restic', (paths) => {
  const place = new Place();
  const restic = new Restic({
    binary: paths['restic-newest'],
    repository: place.repository,
    password: testPassword,
  });
  const modes = ['restore-size', 'files-by-contents', 'blobs-per-file', 'raw-data'];

  before(async () => {
    place.fill();
    // With a weak key both programs start faster.
    await place.print('init', '--chunker', 'rabin');
    await restic.backup([place.source]);
    await place.stage('--as', '/v', '--tag', 'a<b,ü');
    writeFileSync(join(place.source, 'binary'), createRandom(4).bytes(2 ** 20));
    await place.stage('--compression', 'off', '--tag', 'raw');
  });

  after(() => place.remove());

  it('stats are equal in all modes', async () => {
    for (const mode of modes) {
      // Of all snapshots the last mode but one depends on which comes first, and restic reads them side by side.
      const args = mode === 'blobs-per-file' ? ['latest'] : [];
      const json = await restic.run(['stats', '--mode', mode, '--json', ...args]);
      const text = await restic.run(['stats', '--mode', mode, '--path', '/v']);
      const lines = text.stdout.toString().split('\n');
      const kept = lines.filter((line) => !/^(scanning|\[)/.test(line)).map((line) => line.trimEnd());
      const [ourJson, ourText] = await Promise.all([
        place.print('stats', '--mode', mode, '--json', ...args),
        place.print('stats', '--mode', mode, '--path', '/v'),
      ]);
      assert.equal(ourJson, json.stdout.toString());
      assert.equal(ourText, kept.join('\n'));
    }
  });

  it('a dumped file has the same bytes', async () => {
    for (const [snapshot, file] of [
      ['latest', join(place.source, 'binary')],
      ['latest:/v', '/sub/deep/text'],
    ] as const) {
      const filter = file === '/sub/deep/text' ? ['--path', '/v'] : [];
      const { stdout } = await restic.run(['dump', snapshot, file, ...filter]);
      const target = join(place.folder, 'dumped');
      await place.print('dump', snapshot, file, ...filter, '--target', target);
      assert.ok(readFileSync(target).equals(stdout));
    }
  });

  it('an archive has the same names', async () => {
    const target = join(place.folder, 'dumped.tar');
    for (const args of [
      ['latest', join(place.source, 'sub')],
      [`latest:${place.source}`, '/'],
    ]) {
      const { stdout } = await restic.run(['dump', ...args]);
      await place.print('dump', ...args, '--target', target);
      const names = execFileSync('tar', ['-tf', '-'], { input: stdout, encoding: 'latin1' });
      assert.equal(execFileSync('tar', ['-tf', target], { encoding: 'latin1' }), names);
    }
  });

  it('cat prints the same', async () => {
    const first = async (kind: string): Promise<string> => {
      const { stdout } = await restic.run(['list', kind]);
      return /\b[0-9a-f]{64}$/m.exec(stdout.toString())?.[0] ?? '';
    };
    const kinds = ['index', 'packs', 'keys', 'snapshots', 'blobs'];
    const [index, pack, key, snapshot, blob] = await Promise.all(kinds.map((kind) => first(kind)));
    const whats = [
      ['config'],
      ['masterkey'],
      ['key', key],
      ['snapshot', snapshot],
      ['index', index],
      ['pack', pack],
      ['blob', blob],
      ['tree', `${snapshot}:`],
    ] as const;
    for (const what of whats) {
      const words = what.map((word) => word ?? '');
      const { stdout } = await restic.run(['cat', ...words]);
      const target = join(place.folder, 'printed');
      const [kind, id = ''] = words;
      const name = kind === 'tree' ? id : id.slice(0, 12);
      const { stderr, code } = await place.shell(`tranship cat ${kind} ${name} > printed`);
      assert.deepEqual([stderr, code], ['', 0]);
      const ours = readFileSync(target);
      if (kind === 'config' || kind === 'snapshot') {
        // restic leaves out what is ours alone.
        const { tranship: _, ...known } = JSON.parse(ours.toString());
        assert.deepEqual(known, JSON.parse(stdout.toString()));
      } else assert.ok(ours.equals(stdout), words.join(' '));
    }
  });
});
