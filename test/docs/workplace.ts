import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { projectRoot } from '../support/project-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { Fence } from './document.ts';

const runLimitMs = 120_000;
const installed = join(projectRoot, 'node_modules', '.bin');
const library = join(projectRoot, 'src', 'index.ts');

export interface ModuleOptions {
  /** Names may be declared and not used. Default false. */
  readonly unusedLocals?: boolean | undefined;
}

/** A folder to run in, gone after the test, with a `bin` of its own at the front of PATH. */
export class Workplace {
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

  /** Checks the types of a module that imports from 'tranship', then runs it against the sources. */
  async runModule(code: string, options: ModuleOptions = {}): Promise<void> {
    const file = this.write('examples.mts', code);
    await this.run('tsc', ['-p', this.write('tsconfig.json', compilerOptions(file, options))]);
    const runnable = code.replaceAll(`from 'tranship'`, `from '${pathToFileURL(library).href}'`);
    await this.run('node', [this.write('examples.mts', runnable)]);
  }
}

/** The code of several fences, each on the lines that it has in the document. */
export function joined(fences: readonly Fence[]): string {
  let text = '';
  for (const { code, line } of fences) {
    text += '\n'.repeat(line - text.split('\n').length + 1) + code;
  }
  return `${text}\n`;
}

function compilerOptions(file: string, options: ModuleOptions): string {
  return JSON.stringify({
    extends: join(projectRoot, 'tsconfig.json'),
    compilerOptions: {
      noUnusedLocals: options.unusedLocals !== true,
      noUnusedParameters: options.unusedLocals !== true,
      paths: { tranship: [library] },
      typeRoots: [join(projectRoot, 'node_modules', '@types')],
    },
    include: [],
    files: [file],
  });
}
