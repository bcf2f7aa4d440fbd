import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LocalDriver } from '../../../../src/providers/objects/local/driver.ts';
import { collect } from '../../../../src/providers/objects/object-body.ts';

const rounds = process.env.TRANSHIP_TEST_SCALE === 'full' ? 30 : 3;
const driverUrl = new URL('../../../../src/providers/objects/local/driver.ts', import.meta.url).href;

/** Puts objects that consist of one byte value, names each on its output when the put has resolved. */
const writer = `
  import { LocalDriver } from ${JSON.stringify(driverUrl)};
  const driver = new LocalDriver(process.argv[1]);
  for (let index = 0; ; index += 1) {
    await Promise.all([0, 1, 2].map(async (lane) => {
      const key = 'data/' + (index % 7) + '/' + index + '-' + lane;
      await driver.put(key, Buffer.alloc(1_000_000, index % 256), { mode: lane === 0 ? 'create' : 'overwrite' });
      process.stdout.write(key + '\\n');
    }));
  }`;

test('a killed writer leaves only whole objects, and every one it had acknowledged', async () => {
  for (let round = 0; round < rounds; round += 1) {
    const root = await mkdtemp(join(tmpdir(), 'tranship-killed-'));
    try {
      const acknowledged = await writeUntilKilled(root, 2 + round * 3);
      const driver = new LocalDriver(root);
      const keys: string[] = [];
      for await (const { key, sizeBytes } of driver.list('', {})) {
        assert.equal(sizeBytes, 1_000_000, key);
        const index = Number(/(\d+)-/.exec(key)?.[1]);
        assert.deepEqual(await collect(driver.get(key, {})), Buffer.alloc(1_000_000, index % 256), key);
        keys.push(key);
      }
      for (const key of acknowledged) assert.ok(keys.includes(key), `${key} was acknowledged and is gone`);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }
});

async function writeUntilKilled(root: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', writer, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > count) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return output.split('\n').slice(0, -1);
}
