import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { passNames } from '../../bench/passes.ts';
import { readRun } from '../../bench/support/run-file.ts';
import { projectRoot } from '../support/project-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function bench(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const command = [join(projectRoot, 'scripts', 'bench.ts'), ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8', env: { ...process.env, ...env } });
}

describe('npm run bench', () => {
  it('lists names', () => {
    const { status, stdout } = bench(['--list']);
    assert.equal(status, 0);
    for (const name of ['versions', 's3-100ms', 'restore-over', 'kopia-zstd', 'chunkers']) {
      assert.ok(stdout.includes(name), name);
    }
  });

  it('refuses names that it does not know', () => {
    for (const args of [['--data', 'huge'], ['--programs', 'tar'], ['first-pass'], ['micro', 'none']]) {
      const { status, stderr } = bench(args);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, /called (?:huge|tar|first-pass|none)/);
    }
  });

  it('makes every pass of tranship, and skips what is absent with a clear word', (t) => {
    const folder = temporaryFolder(t);
    const env = { TRANSHIP_BENCH_DIR: join(folder, 'bench'), TRANSHIP_PEERS_DIR: join(folder, 'peers') };
    const chosen = [
      '--data',
      'few',
      '--stores',
      'local,s3',
      '--programs',
      'tranship,restic',
      '--rounds',
      '1',
    ];
    const { status, stdout, stderr } = bench([...chosen, '--results', join(folder, 'results')], env);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stderr, /SKIPPED: restic: restic-newest \S+ is not installed; to get it: npm run peers/);
    assert.match(stderr, /SKIPPED: s3: versitygw \S+ is not installed/);
    const [name = ''] = readdirSync(join(folder, 'results'));
    const run = readRun(join(folder, 'results', name));
    assert.ok(run.finished !== undefined);
    const made = passNames.filter((pass) => run.measured.some((one) => one.pass === pass));
    assert.deepEqual(
      passNames.filter((pass) => pass !== 'forget' && !made.includes(pass)),
      [],
    );
    for (const { pass, cost } of run.measured) {
      assert.ok(cost !== undefined && cost.exitCode === 0 && cost.wallMs > 0 && cost.peakRssBytes > 0, pass);
    }
    assert.deepEqual(readdirSync(join(folder, 'bench', 'work')), []);
  });
});
