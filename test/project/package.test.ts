import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { fencesOf } from '../docs/document.ts';
import { exportedNames } from '../docs/exported-names.ts';
import { joined } from '../docs/workplace.ts';
import { projectRoot } from '../support/project-files.ts';
import { createRandom } from '../support/seed.ts';

const execute = promisify(execFile);
const mebibyte = 1024 * 1024;

interface Installed {
  /** Holds `node_modules/tranship`, installed from the tarball, and nothing of the checkout. */
  readonly folder: string;
  readonly packageFolder: string;
}

/**
 * The environment of a person's shell: nothing of the npm run that started the tests, nothing of their set-up. Which
 * registry this machine asks, and whom it trusts, is the machine's.
 */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      /^(?:NODE_EXTRA_CA_CERTS|npm_config_(?:cafile|registry))$/i.test(name) ||
      !/^(?:npm_|TRANSHIP_|RESTIC_|NODE_)/i.test(name),
  );
  return Object.fromEntries(kept);
}

function npm(cwd: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const options = { cwd, env: cleanEnvironment(), maxBuffer: 64 * mebibyte };
  return execute('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], options);
}

async function installTarball(): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'tranship-package-'));
  // `npm pack` builds first, as a release does.
  await npm(projectRoot, ['pack', '--pack-destination', folder]);
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball !== undefined, 'npm pack wrote a tarball');
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  await npm(folder, ['install', '--ignore-scripts', '--prefer-offline', `./${tarball}`]);
  return { folder, packageFolder: join(folder, 'node_modules', 'tranship') };
}

/** Files small, empty, compressible and large enough for several blobs and for the workers. */
async function writeSmallTree(folder: string): Promise<void> {
  const random = createRandom(7);
  await mkdir(join(folder, 'deep', 'er'), { recursive: true });
  await writeFile(join(folder, 'empty'), '');
  await writeFile(join(folder, 'deep', 'text'), 'the same line again and again\n'.repeat(20_000));
  await writeFile(join(folder, 'deep', 'er', 'random'), random.bytes(9 * mebibyte));
  await symlink('../text', join(folder, 'deep', 'er', 'link'));
}

/** Path and contents of every file, links by their targets. */
async function treeContents(folder: string): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await execute(
    'sh',
    ['-c', 'find . -type f -exec sha256sum {} + ; find . -type l -printf "%l  %p\\n"'],
    {
      cwd: folder,
    },
  );
  const lines = stdout.trimEnd().split('\n');
  return new Map(
    lines.map((line) => [line.slice(line.indexOf('  ') + 2), line.slice(0, line.indexOf('  '))]),
  );
}

/** What a program in TypeScript installs beside the package. */
async function installNodeTypes(folder: string): Promise<void> {
  for (const name of ['@types/node', 'undici-types']) {
    const from = join(projectRoot, 'node_modules', name);
    await cp(from, join(folder, 'node_modules', name), { recursive: true });
  }
}

/** A program that names every export, the programs of the library's document, and no option that makes it easy. */
async function writeConsumer(folder: string, exactOptionalPropertyTypes: boolean): Promise<void> {
  const names = exportedNames();
  const list = (isType: boolean): string =>
    names
      .filter((exported) => exported.isType === isType)
      .map(({ name }) => name)
      .join(', ');
  const every = `export { ${list(false)} } from 'tranship';\nexport type { ${list(true)} } from 'tranship';\n`;
  const shown = fencesOf('docs/library.md').filter(({ language }) => language === 'ts');
  const [plain, withS3] = [false, true].map((s3) => joined(shown.filter(({ needsS3 }) => needsS3 === s3)));
  assert.ok(plain !== undefined && withS3 !== undefined && plain.length > withS3.length);
  const files = { 'every-export.ts': every, 'library.ts': plain, 'with-s3.ts': withS3 };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    // The package brings Node's types in by itself.
    types: [],
  };
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: Object.keys(files) }),
  );
}

describe('the packed package, installed in an empty folder', () => {
  let installed: Installed | undefined;

  before(async () => {
    installed = await installTarball();
  });

  after(async () => {
    if (installed !== undefined) await rm(installed.folder, { recursive: true });
  });

  function place(): Installed {
    assert.ok(installed !== undefined);
    return installed;
  }

  function tranship(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    const { folder } = place();
    const program = join(folder, 'node_modules', '.bin', 'tranship');
    const options = { cwd: folder, env: cleanEnvironment(), maxBuffer: 64 * mebibyte };
    return execute(process.execPath, [program, ...args], options);
  }

  it('holds what runs and nothing else', async () => {
    const { packageFolder } = place();
    const names = (await readdir(packageFolder)).filter((name) => name !== 'node_modules').sort();
    const documents = names.filter((name) => /\.md$|^LICENSE$/.test(name));
    assert.ok(documents.includes('LICENSE'));
    const rest = names.filter((name) => !documents.includes(name));
    assert.deepEqual(rest, ['bin', 'dist', 'docs', 'package.json']);
    assert.ok((await stat(join(packageFolder, 'dist', 'repository', 'chunker', 'chunker.wasm'))).size > 0);
  });

  it('has nothing that publint objects to', async () => {
    const { packageFolder } = place();
    const manifest: unknown = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
    const { messages } = await publint({
      pkgDir: packageFolder,
      pack: false,
      level: 'warning',
      strict: true,
    });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, manifest as Parameters<typeof formatMessage>[1])),
      [],
    );
  });

  it('says its version', async () => {
    const manifest = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    const { stdout } = await tranship('--version');
    assert.match(stdout, new RegExp(`(^|\\s)${manifest.version.replaceAll('.', '\\.')}\\s*$`));
  });

  it('stages and restores a tree', async () => {
    const { folder } = place();
    const [source, target, repository] = ['source', 'target', 'repository'].map((name) => join(folder, name));
    assert.ok(source !== undefined && target !== undefined && repository !== undefined);
    await writeSmallTree(source);
    await writeFile(join(folder, 'password'), 'correct horse\n');
    const common = ['-r', repository, '--password-file', join(folder, 'password')];
    await tranship(...common, 'init');
    await tranship(...common, 'stage', source, '--as', '/small');
    await tranship(...common, 'restore', 'latest:/small', '--target', target);
    const restored = await treeContents(target);
    assert.equal(restored.size, 4);
    assert.deepEqual(restored, await treeContents(source));
  });

  it('is a library', async () => {
    const { folder } = place();
    const names = ['openStore', 'Repository', 'stage', 'restore', 'verify', 'check'];
    const program = `import { ${names.join(', ')} } from 'tranship';
      console.log(JSON.stringify([${names.join(', ')}].map((value) => typeof value)));`;
    const args = ['--input-type=module', '--eval', program];
    const { stdout } = await execute(process.execPath, args, { cwd: folder, env: cleanEnvironment() });
    assert.deepEqual(
      JSON.parse(stdout),
      names.map(() => 'function'),
    );
  });

  for (const exact of [true, false]) {
    it(`has types for a strict project with exactOptionalPropertyTypes ${exact}`, async () => {
      const { folder } = place();
      await installNodeTypes(folder);
      await writeConsumer(folder, exact);
      const tsc = join(projectRoot, 'node_modules', '.bin', 'tsc');
      await execute(tsc, ['-p', '.'], { cwd: folder }).catch((error: Error & { stdout?: string }) => {
        assert.fail(`tsc: ${error.stdout ?? error.message}`);
      });
    });
  }
});

describe('the checkout', () => {
  it('has no unused file, export or dependency', async () => {
    const knip = join(projectRoot, 'node_modules', '.bin', 'knip');
    const options = { cwd: projectRoot, maxBuffer: 64 * mebibyte };
    await execute(knip, ['--no-progress', '--no-config-hints'], options).catch(
      (error: Error & { stdout?: string }) => {
        assert.fail(`knip:\n${error.stdout ?? error.message}`);
      },
    );
  });

  it('installs no package that needs an install script', async () => {
    const text = await readFile(join(projectRoot, 'package-lock.json'), 'utf8');
    const lock = JSON.parse(text) as {
      packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }>;
    };
    const manifest = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
      allowScripts: Record<string, boolean>;
    };
    const scripted = Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript === true);
    const names = scripted.map(([path]) => path.replace(/^.*node_modules\//, ''));
    // Each of these works without its script, which the project denies.
    assert.deepEqual(
      names.filter((name) => manifest.allowScripts[name] !== false),
      [],
    );
    assert.ok(!text.includes('"resolved": "http'), 'the lockfile names no registry');
  });
});
