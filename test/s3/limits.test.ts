/** Bandwidth and requests that are held back, over S3: nothing fails by it, and it is not the server's silence. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openStore } from '../../src/providers/objects/open.ts';
import { peerSuite } from '../support/peers.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tranship } from '../support/tranship.ts';

/** A slice of a body is held back for longer than this. */
const idleTimeoutMs = 1000;
const bytesPerSecond = 12_000;

peerSuite(['versitygw'], 'limits over S3', ({ versitygw }) => {
  it('the idle limit does not fire while a limit of bandwidth holds a body back', async (t) => {
    const server = await startVersitygw(versitygw);
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    const failures: string[] = [];
    const store = await openStore(bucket.location(), {
      settings: { s3: { ...bucket.settings.s3, idleTimeoutMs } },
      limits: { uploadRate: bytesPerSecond, downloadRate: bytesPerSecond },
      onRetry: ({ error }) => void failures.push(error.message),
    });
    const body = randomBytes(40_000);
    await store.put('body', body);
    await store.putLarge('parts', [body], { partSizeBytes: 2 ** 24 });
    assert.deepEqual(await store.get('body'), body);
    assert.deepEqual(failures, []);
    await store.close();
  });

  it('a pass through the command line works under limits, and changes nothing but its speed', async (t) => {
    const server = await startVersitygw(versitygw);
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'source'));
    const contents = randomBytes(300_000);
    writeFileSync(join(folder, 'source/file'), contents);
    const limits = [
      ['--limit-upload', '00:00-12:00=20M,12:00-24:00=20M'],
      ['--limit-download', '20480'],
      ['--limit-requests', '200'],
    ].flat();
    for (const args of [
      ['init'],
      ['stage', join(folder, 'source'), '--as', '/v'],
      ['restore', 'latest:/v', '--target', join(folder, 'target'), '--verify'],
      ['check', '--read-data'],
    ]) {
      const { code, stderr } = await tranship([...args, '-r', bucket.location(), ...limits], {
        env: bucket.env,
      });
      assert.equal(stderr, '');
      assert.equal(code, 0, args[0]);
    }
    assert.deepEqual(readFileSync(join(folder, 'target/file')), contents);
    const wrong = await tranship(['snapshots', '-r', bucket.location(), '--limit-upload', '10X'], {
      env: bucket.env,
    });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--limit-upload takes no such rate: "10X"/);
  });
});
