import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, messages, tranship } from '../support/tranship.ts';

describe('bad input', () => {
  const cleanups: (() => void)[] = [];
  const folder = temporaryFolder({ after: (work: () => void) => void cleanups.push(work) });
  const source = join(folder, 'source');
  const sound = join(folder, 'sound');

  before(async () => {
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'contents of the file');
    await tranship(['init', '-r', sound]);
    assert.equal((await tranship(['stage', '-r', sound, source, '--as', '/data', '-q'])).code, 0);
  });

  after(() => {
    for (const cleanup of cleanups) cleanup();
  });

  /** A copy of the sound repository that a test may damage. */
  function copy(name: string): string {
    cpSync(sound, join(folder, name), { recursive: true });
    return join(folder, name);
  }

  function onlyFile(location: string, kind: string): string {
    const names = readdirSync(join(location, kind), { recursive: true, withFileTypes: true });
    const [file] = names.filter((entry) => entry.isFile());
    assert.ok(file !== undefined);
    return join(file.parentPath, file.name);
  }

  function flip(path: string, position: number): void {
    const bytes = readFileSync(path);
    bytes[position] = (bytes[position] ?? 0) ^ 1;
    rmSync(path);
    writeFileSync(path, bytes);
  }

  it('a wrong password ends with 12, whatever the command', async () => {
    const env = { TRANSHIP_PASSWORD: 'wrong', TRANSHIP_REPOSITORY: sound };
    const commands = [
      ['stage', source],
      ['restore', 'latest', '--target', join(folder, 'x')],
      ['check'],
      ['unlock'],
    ];
    const results = await Promise.all(commands.map((args) => tranship(args, { env })));
    assert.deepEqual(
      results.map(({ code }) => code),
      [12, 12, 12, 12],
    );
    assert.match(results[0]?.stderr ?? '', /^tranship: the password opens no key .*\n$/);
  });

  it('a missing repository ends with 10 and is not created', async () => {
    const env = { TRANSHIP_REPOSITORY: join(folder, 'none') };
    const commands = [
      ['stage', source],
      ['verify', 'latest', '--target', source],
      ['ls', 'latest'],
      ['migrate', 'upgrade-v2'],
    ];
    const results = await Promise.all(commands.map((args) => tranship(args, { env })));
    assert.deepEqual(
      results.map(({ code }) => code),
      [10, 10, 10, 10],
    );
    assert.ok(!readdirSync(folder).includes('none'));
  });

  it('snapshots and paths that are not there are named', async () => {
    const env = { TRANSHIP_REPOSITORY: sound };
    const results = await Promise.all(
      [
        ['ls', 'ffffffff'],
        ['ls', 'latest:/data/none'],
        ['restore', 'latest', '--host', 'nobody', '--target', join(folder, 'x')],
        ['verify', 'latest:/data', '--target', join(folder, 'none')],
        ['ls', 'HEAD'],
      ].map((args) => tranship(args, { env })),
    );
    const [unknownId, unknownPath, unknownHost, unknownTarget, noId] = results;
    assert.match(unknownId?.stderr ?? '', /no snapshot of this id: ffffffff/);
    assert.match(unknownPath?.stderr ?? '', /no such path.*\/data\/none/);
    assert.match(unknownHost?.stderr ?? '', /no such snapshot/);
    assert.match(unknownTarget?.stderr ?? '', /\/none/);
    assert.match(noId?.stderr ?? '', /not a snapshot: HEAD/);
    assert.deepEqual(
      results.map(({ code }) => code),
      [1, 1, 1, 1, 2],
    );
  });

  it('a damaged snapshot file is named, and the others are listed', async () => {
    const location = copy('damaged-snapshot');
    const second = await tranship(['stage', '-r', location, source, '--as', '/other', '--json']);
    const id = String(message(second.stdout, 'summary')['snapshot_id']);
    flip(join(location, 'snapshots', id), 40);
    const { code, stdout, stderr } = await tranship(['snapshots', '-r', location, '--json']);
    assert.equal(JSON.parse(stdout).length, 1);
    assert.equal(message(stderr, 'error')['item'], `snapshots/${id}`);
    assert.equal(code, 3);
  });

  it('check finds a flipped bit and says what it costs', async () => {
    const location = copy('damaged-pack');
    flip(onlyFile(location, 'data'), 10);
    const text = await tranship(['check', '-r', location, '--read-data']);
    assert.match(text.stderr, /^error: data\/.*$/m);
    assert.match(text.stdout, /\d+ errors? were found|errors were found/);
    assert.equal(text.code, 1);
    const json = await tranship(['check', '-r', location, '--read-data', '--json']);
    const summary = message(json.stdout, 'summary');
    assert.ok(Number(summary['num_errors']) > 0);
    assert.ok(messages(json.stderr).every(({ message_type: type }) => type === 'error'));
    assert.equal(json.code, 1);
  });

  it('a restore from a damaged pack is partial and names the file', async () => {
    const location = copy('damaged-data');
    rmSync(onlyFile(location, 'data'));
    const { code, stderr } = await tranship([
      'restore',
      '-r',
      location,
      'latest',
      '--target',
      join(folder, 'y'),
    ]);
    assert.match(stderr, /data\/|pack|blob/);
    assert.ok(code === 1 || code === 3, String(code));
  });

  it('a config that is no config is refused', async () => {
    const location = copy('damaged-config');
    flip(join(location, 'config'), 30);
    const { code, stderr } = await tranship(['snapshots', '-r', location]);
    assert.match(stderr, /^tranship: .*config.*\n$/);
    assert.equal(code, 1);
  });

  it('a location that is a file is refused', async () => {
    const { code, stderr } = await tranship(['init', '-r', join(source, 'file')]);
    assert.match(stderr, /not a folder/);
    assert.equal(code, 1);
  });

  it('patterns and lists that cannot be read are refused before the repository is opened', async () => {
    const env = { TRANSHIP_REPOSITORY: join(folder, 'none') };
    const { code, stderr } = await tranship(['stage', source, '--exclude-file', join(folder, 'no')], { env });
    assert.match(stderr, /cannot read the file: \S+\/no /);
    assert.equal(code, 1);
  });
});
