/**
 * What the documents show runs. The shell examples of a document are one script, its TypeScript examples one module
 * that runs after it; each document has a folder of its own, in which `tranship` is this clone's.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { peer, peerSuite } from '../support/peers.ts';
import { projectFiles, projectRoot, projectText } from '../support/project-files.ts';
import { createBucket } from '../support/s3/s3-client.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { fencesOf } from './document.ts';
import type { Fence } from './document.ts';

const runLimitMs = 120_000;
const installed = join(projectRoot, 'node_modules', '.bin');
const library = join(projectRoot, 'src', 'index.ts');

/** A folder to run in, with a `bin` of its own at the front of PATH. */
class Workplace {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(t: TestContext, restic: string | undefined) {
    const root = temporaryFolder(t);
    const bin = join(root, 'bin');
    this.folder = join(root, 'work');
    mkdirSync(bin);
    mkdirSync(this.folder);
    symlinkSync(join(projectRoot, 'bin', 'tranship'), join(bin, 'tranship'));
    symlinkSync(process.execPath, join(bin, 'node'));
    if (restic !== undefined) symlinkSync(restic, join(bin, 'restic'));
    this.#env = {
      PATH: [bin, installed, process.env['PATH'] ?? ''].join(delimiter),
      HOME: root,
      TMPDIR: root,
      TRANSHIP_TEST_WEAK_SCRYPT: '1',
    };
  }

  async run(command: string, args: readonly string[]): Promise<void> {
    try {
      const options = { cwd: this.folder, env: this.#env, timeout: runLimitMs };
      await promisify(execFile)(command, [...args], options);
    } catch (error) {
      // The message holds what went to standard error; the compiler writes to standard output.
      const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
      assert.fail(`${error instanceof Error ? error.message : String(error)}\n${output}`);
    }
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }
}

/** The code of several fences, each on the lines that it has in the document. */
function joined(fences: readonly Fence[]): string {
  let text = '';
  for (const { code, line } of fences) {
    text += '\n'.repeat(line - text.split('\n').length + 1) + code;
  }
  return `${text}\n`;
}

function compilerOptions(file: string): string {
  return JSON.stringify({
    extends: join(projectRoot, 'tsconfig.json'),
    compilerOptions: {
      paths: { tranship: [library] },
      typeRoots: [join(projectRoot, 'node_modules', '@types')],
    },
    include: [],
    files: [file],
  });
}

async function runExamples(t: TestContext, fences: readonly Fence[], restic?: string): Promise<void> {
  const place = new Workplace(t, restic);
  const shell = fences.filter(({ language }) => language === 'sh');
  const typescript = fences.filter(({ language }) => language === 'ts');
  if (shell.length > 0)
    await place.run('bash', ['-euo', 'pipefail', place.write('examples.sh', joined(shell))]);
  if (typescript.length === 0) return;
  const file = place.write('examples.mts', joined(typescript));
  await place.run('tsc', ['-p', place.write('tsconfig.json', compilerOptions(file))]);
  const runnable = joined(typescript).replaceAll(`from 'tranship'`, `from '${pathToFileURL(library).href}'`);
  await place.run('node', [place.write('examples.mts', runnable)]);
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
      .replace(/(AWS_SECRET_ACCESS_KEY)=\S+/, `$1=${server.secretAccessKey}`);
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
