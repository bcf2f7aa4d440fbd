import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { benchPeers, peers } from '../../scripts/peer-catalogue.ts';
import { projectRoot } from '../support/project-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a file with one suite that needs rustic, with the given folder as the cache of peers. */
function runSuite(folder: string, required: boolean): Outcome {
  const support = pathToFileURL(join(projectRoot, 'test', 'support', 'peers.ts')).href;
  const file = join(folder, 'sample.test.mjs');
  writeFileSync(
    file,
    `import { it } from 'node:test';
     import { peerSuite } from ${JSON.stringify(support)};
     peerSuite(['rustic'], 'reads what rustic wrote', (paths) => {
       it('has a path: ' + paths.rustic, () => undefined);
     });`,
  );
  const env: NodeJS.ProcessEnv = { ...process.env, TRANSHIP_PEERS_DIR: folder };
  delete env['NODE_TEST_CONTEXT'];
  delete env['TRANSHIP_REQUIRE_PEERS'];
  if (required) env['TRANSHIP_REQUIRE_PEERS'] = '1';
  return spawnSync(process.execPath, ['--test', '--test-reporter=spec', file], { env, encoding: 'utf8' });
}

describe('a suite that needs a peer', () => {
  it('is skipped loudly where the peer is absent', (t) => {
    const { status, stdout, stderr } = runSuite(temporaryFolder(t), false);
    assert.equal(status, 0);
    assert.match(stdout, /reads what rustic wrote.*# rustic not installed; to get it: npm run peers/);
    assert.match(stdout, /skipped 1/);
    assert.match(stdout + stderr, /SKIPPED: reads what rustic wrote: rustic not installed/);
  });

  it('fails where the peer is absent and required', (t) => {
    const { status, stdout } = runSuite(temporaryFolder(t), true);
    assert.equal(status, 1);
    assert.match(stdout, /rustic not installed; to get it: npm run peers/);
  });

  it('runs with the path of the peer where it is there', (t) => {
    const folder = temporaryFolder(t);
    const rustic = peers.find((peer) => peer.name === 'rustic');
    assert.ok(rustic !== undefined);
    const binary = join(folder, rustic.folder, rustic.binary);
    mkdirSync(join(binary, '..'), { recursive: true });
    writeFileSync(binary, '#!/bin/sh\n');
    chmodSync(binary, 0o755);
    const { status, stdout } = runSuite(folder, true);
    assert.equal(status, 0);
    assert.ok(stdout.includes(`has a path: ${binary}`));
  });
});

describe('the catalogue of peers', () => {
  it('has each name once, and the version in the name of each folder', () => {
    const all = [...peers, ...benchPeers];
    assert.equal(new Set(all.map((peer) => peer.name)).size, all.length);
    assert.equal(new Set(all.map((peer) => peer.folder)).size, all.length);
    for (const { folder, version } of all) assert.ok(folder.endsWith(`-${version}`), folder);
  });
});

describe('npm run peers', () => {
  const script = join(projectRoot, 'scripts', 'peers.ts');

  it('lists what is ready, and installs nothing', (t) => {
    const env = { ...process.env, TRANSHIP_PEERS_DIR: temporaryFolder(t) };
    const { status, stdout } = spawnSync(process.execPath, [script, '--list'], { env, encoding: 'utf8' });
    assert.equal(status, 0);
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/\s+/).slice(0, 3)),
      peers.map(({ name, version }) => [name, version, 'absent']),
    );
  });

  it('knows those of the benches with --bench', (t) => {
    const env = { ...process.env, TRANSHIP_PEERS_DIR: temporaryFolder(t) };
    const options = { env, encoding: 'utf8' } as const;
    const { status, stdout } = spawnSync(process.execPath, [script, '--list', '--bench'], options);
    assert.equal(status, 0);
    const names = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ', 1)[0]);
    assert.deepEqual(
      names,
      [...peers, ...benchPeers].map(({ name }) => name),
    );
  });

  it('leaves no half of a peer that cannot be had, and says why', (t) => {
    const folder = temporaryFolder(t);
    const env = { ...process.env, TRANSHIP_PEERS_DIR: folder, PATH: folder };
    const { status, stderr } = spawnSync(process.execPath, [script, 'versitygw'], { env, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /versitygw 1\.8\.0: cannot start go \(.*\); install it first/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('knows no other names', () => {
    const { status, stderr } = spawnSync(process.execPath, [script, 'nobody'], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /no such peer: nobody \(known: restic-oldest, /);
  });
});
