/**
 * What the documents show runs. The shell examples of a document are one script, its TypeScript examples one module
 * that runs after it; each document has a folder of its own, in which `tranship` is this clone's.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { peer, peerSuite } from '../support/peers.ts';
import { projectFiles, projectText } from '../support/project-files.ts';
import { createBucket } from '../support/s3/s3-client.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { fencesOf } from './document.ts';
import type { Fence } from './document.ts';
import { Workplace, joined } from './workplace.ts';

async function runExamples(t: TestContext, fences: readonly Fence[], restic?: string): Promise<void> {
  const place = new Workplace(t, restic);
  const shell = fences.filter(({ language }) => language === 'sh');
  const typescript = fences.filter(({ language }) => language === 'ts');
  if (shell.length > 0)
    await place.run('bash', ['-euo', 'pipefail', place.write('examples.sh', joined(shell))]);
  if (typescript.length === 0) return;
  await place.runModule(joined(typescript));
}

/** Each on a server of its own, whose address, keys and bucket stand in for those that the example shows. */
async function runAgainstS3(t: TestContext, fences: readonly Fence[], binary: string): Promise<void> {
  for (const fence of fences) {
    const server = await startVersitygw(binary);
    t.after(() => server.stop());
    const code = fence.code
      .replaceAll('http://127.0.0.1:9000', server.endpoint)
      .replaceAll('s3://replica', `s3://${await createBucket(server)}`)
      .replace(/(AWS_ACCESS_KEY_ID)=\S+/, `$1=${server.accessKeyId}`)
      .replace(/(AWS_SECRET_ACCESS_KEY)=\S+/, `$1=${server.secretAccessKey}`)
      .replace(/(accessKeyId): '\w+'/, `$1: '${server.accessKeyId}'`)
      .replace(/(secretAccessKey): '\w+'/, `$1: '${server.secretAccessKey}'`);
    assert.ok(code.includes(server.endpoint), 'the example names no http://127.0.0.1:9000');
    await runExamples(t, [{ ...fence, code }]);
  }
}

for (const path of projectFiles('README.md', 'docs/**/*.md')) {
  const shown = fencesOf(path).filter(({ language }) => language === 'sh' || language === 'ts');
  const fences = shown.filter(({ isRun, needsS3 }) => isRun && !needsS3);
  const withS3 = shown.filter(({ needsS3 }) => needsS3);
  const plain = fences.filter(({ needsRestic }) => !needsRestic);
  const runsBelow = plain.length < fences.length && peer('restic-newest') !== undefined;

  describe(`examples of ${path}`, { skip: shown.length === 0 }, () => {
    if (!runsBelow) it('run', (t) => runExamples(t, plain));

    it('name npm scripts that exist', () => {
      const { scripts }: { scripts: Record<string, string> } = JSON.parse(projectText('package.json'));
      const named = [...projectText(path).matchAll(/\bnpm run ([\w-]+)/g)].map((match) => match[1] ?? '');
      assert.deepEqual(
        named.filter((name) => !(name in scripts)),
        [],
      );
    });
  });

  if (withS3.length > 0) {
    peerSuite(['versitygw'], `examples of ${path} with an S3 server`, (paths) => {
      it('run', (t) => runAgainstS3(t, withS3, paths.versitygw));
    });
  }

  if (plain.length < fences.length) {
    peerSuite(['restic-newest'], `examples of ${path} with restic`, (paths) => {
      it('run', (t) => runExamples(t, fences, paths['restic-newest']));
    });
  }
}
