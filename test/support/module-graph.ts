import { posix } from 'node:path';
import { projectFiles, projectText, withoutComments } from './project-files.ts';

export interface ImportEdge {
  /** As written: `node:fs`, `koffi`, `../base/errors.ts`. */
  readonly specifier: string;
  /** Path of the imported file relative to the project's root; undefined for packages. */
  readonly target: string | undefined;
  /** True for `import type` and `export type`, which leave nothing in the running program. */
  readonly typeOnly: boolean;
}

export interface SourceModule {
  readonly path: string;
  /** The source without its comments. */
  readonly code: string;
  readonly imports: readonly ImportEdge[];
  /** Every project file that is named by a string: imports, worker entries, WASM. */
  readonly references: readonly string[];
}

const statement = /\b(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+\s+from\s+)?'([^']+)'/g;
const dynamicImport = /\bimport\(\s*'([^']+)'\s*\)/g;
const relativeFile = /'(\.{1,2}\/[^'\n]+\.(?:ts|wasm))'/g;

function resolve(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
}

function importsOf(path: string, code: string): ImportEdge[] {
  const edges = [...code.matchAll(statement)].map(([, type, specifier = '']) => {
    return { specifier, target: resolve(path, specifier), typeOnly: type !== undefined };
  });
  const dynamic = [...code.matchAll(dynamicImport)].map(([, specifier = '']) => {
    return { specifier, target: resolve(path, specifier), typeOnly: false };
  });
  return [...edges, ...dynamic];
}

/** Parses one source; `path` is relative to the project's root. */
export function parseModule(path: string, source: string): SourceModule {
  const code = withoutComments(source);
  const references = [...code.matchAll(relativeFile)].map(([, name = '']) =>
    posix.join(posix.dirname(path), name),
  );
  return { path, code, imports: importsOf(path, code), references };
}

/** Every TypeScript module under src by path; the AssemblyScript sources are another language and left out. */
export function sourceModules(): ReadonlyMap<string, SourceModule> {
  const paths = projectFiles('src/**/*.ts').filter((path) => !path.includes('/assembly/'));
  return new Map(paths.map((path) => [path, parseModule(path, projectText(path))]));
}
