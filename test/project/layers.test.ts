import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseModule, sourceModules } from '../support/module-graph.ts';
import type { SourceModule } from '../support/module-graph.ts';

const modules = sourceModules();

/** A layer may import itself and layers of a lower rank; equal ranks must not know each other. */
const ranks: Readonly<Record<string, number>> = {
  base: 0,
  providers: 1,
  repository: 2,
  copy: 3,
  snapshot: 3,
  migration: 4,
  agent: 5,
  cli: 6,
};
/** Folders under src/providers of what services of one cloud share, and those services. */
const clouds: Readonly<Record<string, readonly string[]>> = {
  aws: ['s3', 'ebs'],
  azure: ['azure-blob', 'azure-disk'],
  google: ['gcs', 'gce-disk'],
};
const services = ['s3', 'gcs', 'azure-blob', 'local', 'memory', 'ebs', 'gce-disk', 'azure-disk'];
const format = 'src/repository/format/';
const pureModules = ['node:buffer', 'node:util', 'node:string_decoder'];

function layerOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** Violations as text, one a line, so that a failure shows all of them. */
function assertNone(violations: readonly string[]): void {
  assert.deepEqual(violations, []);
}

function importViolations(allowed: (from: string, to: string) => boolean): string[] {
  return [...modules.values()].flatMap(({ path, imports }) =>
    imports.flatMap(({ target }) =>
      target === undefined || allowed(path, target) ? [] : [`${path} imports ${target}`],
    ),
  );
}

/** Lines of the chosen modules that match. */
function codeViolations(chosen: (path: string) => boolean, forbidden: RegExp): string[] {
  return [...modules.values()]
    .filter((module) => chosen(module.path))
    .flatMap(({ path, code }) =>
      code
        .split('\n')
        .flatMap((line, index) => (forbidden.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
}

/** Everything that runs when these modules run; packages and node: modules by their specifiers. */
function closure(
  starts: readonly string[],
  next: (module: SourceModule) => readonly string[],
): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = [...starts];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const module = modules.get(path);
    if (module !== undefined) waiting.push(...next(module));
  }
  return seen;
}

describe('the import parser', () => {
  it('sees every form of import', () => {
    const source = [
      "import './effect.ts';",
      "import a, { b } from '../x/a.ts';",
      "import type { T } from './types-of-t.ts';",
      "export * from './c.ts';",
      'export {\n  d,\n  e,\n} from "ignored";',
      "export {\n  f,\n  type G,\n} from './f.ts';",
      "const g = await import('./g.ts');",
      "const url = new URL('./worker.ts', import.meta.url);",
      "// import './comment.ts';",
    ].join('\n');
    const { imports, references } = parseModule('src/copy/m.ts', source);
    const targets = imports.map(({ target, typeOnly }) => `${target}${typeOnly ? ' (type)' : ''}`).sort();
    assert.deepEqual(targets, [
      'src/copy/c.ts',
      'src/copy/effect.ts',
      'src/copy/f.ts',
      'src/copy/g.ts',
      'src/copy/types-of-t.ts (type)',
      'src/x/a.ts',
    ]);
    assert.ok(references.includes('src/copy/worker.ts'));
    assert.ok(!references.includes('src/copy/comment.ts'));
  });

  it('finds the sources', () => {
    assert.ok(modules.size > 20);
  });
});

describe('layers', () => {
  it('every folder under src is a layer', () => {
    const unknown = [...modules.keys()].filter(
      (path) => path !== 'src/index.ts' && ranks[layerOf(path)] === undefined,
    );
    assertNone(unknown);
  });

  it('imports go one way', () => {
    const violations = importViolations((from, to) => {
      if (from === 'src/index.ts') return true;
      if (layerOf(from) === layerOf(to)) return true;
      return (ranks[layerOf(from)] ?? -1) > (ranks[layerOf(to)] ?? Number.POSITIVE_INFINITY);
    });
    assertNone(violations);
  });

  it('every imported file exists', () => {
    assertNone(importViolations((_, to) => modules.has(to)));
  });

  it('only open.ts names the folder of a service', () => {
    const service = /^src\/providers\/(?:objects|disks)\/([^/]+)\//;
    const violations = importViolations((from, to) => {
      const name = service.exec(to)?.[1];
      if (name === undefined || !services.includes(name)) return true;
      return service.exec(from)?.[1] === name || /^src\/providers\/(?:objects|disks)\/open\.ts$/.test(from);
    });
    assertNone(violations);
  });

  it('what services of one cloud share is imported by them only', () => {
    const shared = /^src\/providers\/([^/]+)\/[^/]+$/;
    const violations = importViolations((from, to) => {
      const cloud = shared.exec(to)?.[1] ?? '';
      const users = clouds[cloud];
      if (users === undefined) return true;
      return [cloud, ...users].some(
        (name) => from.startsWith('src/providers/') && from.includes(`/${name}/`),
      );
    });
    assertNone(violations);
  });

  it('cloud SDKs are imported only by the drivers of their cloud', () => {
    const violations = [...modules.values()].flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) =>
          /^(?:@(?:aws-sdk|google-cloud|azure)\/|google-auth-library$)/.test(specifier),
        )
        .filter(() => ![...services, ...Object.keys(clouds)].some((name) => path.includes(`/${name}/`)))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    );
    assertNone(violations);
  });

  it('every file is reachable from the library or the command line', () => {
    const starts = ['src/index.ts', 'src/cli/main.ts', 'src/agent/main.ts'];
    const reached = closure(starts, (module) => [
      ...module.references,
      ...module.imports.flatMap(({ target }) => target ?? []),
    ]);
    assertNone([...modules.keys()].filter((path) => !reached.has(path)));
  });
});

describe('purity', () => {
  it('only the outermost layers touch the process', () => {
    assertNone(
      codeViolations(
        (path) => !/^src\/(?:cli|agent)\//.test(path),
        /\bprocess\.(?:env|exit|exitCode|argv)\b|\bconsole\.\w/,
      ),
    );
  });

  it('the format runs nothing that does I/O', () => {
    const starts = [...modules.keys()].filter((path) => path.startsWith(format));
    const reached = closure(starts, (module) =>
      module.imports.filter(({ typeOnly }) => !typeOnly).map(({ target, specifier }) => target ?? specifier),
    );
    assertNone([...reached].filter((path) => !path.startsWith('src/') && !pureModules.includes(path)));
  });

  it('the format has no clock and no randomness', () => {
    const impure = new RegExp(
      [
        String.raw`\bDate\.now\b`,
        String.raw`\bnew Date\(\s*\)`,
        String.raw`\bMath\.random\b`,
        String.raw`\bperformance\.`,
        String.raw`\brandom(?:Bytes|UUID|Int|FillSync)\b`,
        String.raw`\bgetRandomValues\b`,
        String.raw`\bset(?:Timeout|Interval|Immediate)\b`,
        String.raw`\bprocess\.`,
      ].join('|'),
    );
    assertNone(codeViolations((path) => path.startsWith(format), impure));
  });
});
