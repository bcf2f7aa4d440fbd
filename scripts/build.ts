// npm run build: src/**/*.ts -> dist/**/*.{js,d.ts}, with the WASM files beside their modules.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = dirname(import.meta.dirname);
const source = join(root, 'src');
const output = join(root, 'dist');

// tsc rewrites the imports of the code, but neither those of the declarations nor the URLs of worker entries.
const leftOvers = /((?:from|import)\s*\(?\s*|new URL\(\s*)(['"])(\.{1,2}\/[^'"]+)\.ts\2/g;

function compile(): void {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const result = spawnSync(tsc, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) throw new Error('tsc failed');
}

function copyWasm(): void {
  for (const file of globSync('**/*.wasm', { cwd: source })) cpSync(join(source, file), join(output, file));
}

function rewriteExtensions(): void {
  for (const file of globSync('**/*.{js,d.ts}', { cwd: output })) {
    const path = join(output, file);
    const before = readFileSync(path, 'utf8');
    const after = before.replace(leftOvers, '$1$2$3.js$2');
    if (after !== before) writeFileSync(path, after);
  }
}

/** Every file that a module names must be there: an import, a worker entry or a WASM file that is lost fails here. */
function checkReferences(): void {
  const named = /(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]|new URL\(\s*['"](\.{1,2}\/[^'"]+)['"]/g;
  const lost: string[] = [];
  for (const file of globSync('**/*.js', { cwd: output })) {
    for (const match of readFileSync(join(output, file), 'utf8').matchAll(named)) {
      // On disk, not in a list of dist: package.json stands beside it.
      const target = join(output, dirname(file), match[1] ?? match[2] ?? '');
      if (!existsSync(target)) lost.push(`${file} names ${relative(output, target)}`);
    }
  }
  if (lost.length > 0) throw new Error(`dist is incomplete:\n${lost.join('\n')}`);
}

rmSync(output, { recursive: true, force: true });
compile();
copyWasm();
rewriteExtensions();
checkReferences();
