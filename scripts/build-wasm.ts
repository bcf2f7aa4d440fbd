// Compiles the chunker kernels (AssemblyScript) to src/repository/chunker/chunker.wasm, which is committed.
//   node scripts/build-wasm.ts           writes the file
//   node scripts/build-wasm.ts --check   exits 1 when the committed file is not what the sources give
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const chunkerFolder = new URL('../src/repository/chunker/', import.meta.url);
const wasmFile = new URL('chunker.wasm', chunkerFolder);

// The compiler runs as a program: importing it would let its global types replace Node's in the whole project.
const compiler = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
const sources = ['assembly/rabin.ts', 'assembly/fastcdc.ts'];
const target = ['--runtime', 'stub', '--importMemory', '--noExportMemory'];
const optimization = ['-O3', '--converge', '--noAssert'];

/** Bytes of chunker.wasm as the sources give them; the same on every machine for one AssemblyScript version. */
export async function compileChunkerWasm(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'tranship-wasm-'));
  try {
    const outFile = join(folder, 'chunker.wasm');
    await promisify(execFile)(
      process.execPath,
      ['--enable-source-maps', compiler, ...sources, ...target, ...optimization, '--outFile', outFile],
      { cwd: chunkerFolder },
    );
    return await readFile(outFile);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function main(): Promise<void> {
  const wasm = await compileChunkerWasm();
  if (!process.argv.includes('--check')) {
    await writeFile(wasmFile, wasm);
    console.log(`chunker.wasm: ${wasm.length} bytes`);
  } else if (!wasm.equals(await readFile(wasmFile))) {
    console.error('chunker.wasm differs from its sources: run `node scripts/build-wasm.ts`');
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();
