/** Passes in processes of their own, to be killed, or to be dead when their trace is looked at. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize } from 'node:v8';
import type { Overwrite } from '../../src/copy/restore.ts';
import type { StoreSettings } from '../../src/providers/objects/settings.ts';
import type { TraceEntry } from './providers/trace.ts';

export interface RecordRequest {
  readonly kind: 'record';
  /** An empty folder. */
  readonly folder: string;
  readonly seed: number;
  readonly passes: number;
}

export type PassRequest =
  | {
      readonly kind: 'stage';
      /** The location of a repository of the peers' password. */
      readonly repository: string;
      readonly settings?: StoreSettings | undefined;
      readonly source: string;
      readonly storeAs: string;
    }
  | {
      readonly kind: 'restore';
      readonly repository: string;
      readonly settings?: StoreSettings | undefined;
      readonly snapshot: string;
      readonly target: string;
      readonly overwrite: Overwrite;
    }
  | RecordRequest;

export interface Recording {
  readonly entries: readonly TraceEntry[];
  /** The store before the first pass. */
  readonly initial: ReadonlyMap<string, Uint8Array>;
  /** Ids in the order of the passes; each stands restored in a folder of this name beside the source. */
  readonly snapshots: readonly string[];
  /** The tree as the last pass has seen it. */
  readonly source: string;
}

export interface PassEnd {
  /** The snapshot that the process said it had staged or restored; undefined when it did not come so far. */
  readonly snapshotId: string | undefined;
  readonly wasKilled: boolean;
  /** From the beginning of the pass to the end of the process. */
  readonly durationMs: number;
}

const program = fileURLToPath(new URL('./pass-program.ts', import.meta.url));

/** Runs a pass; with `killAfterMs`, counted from its beginning, kills the process then if it still runs. */
export async function runPass(request: PassRequest, killAfterMs?: number): Promise<PassEnd> {
  const child = spawn(process.execPath, [program, JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  let begunMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const hasBegun = output.includes('begun');
    output += text;
    if (hasBegun || !output.includes('begun')) return;
    begunMs = performance.now();
    if (killAfterMs !== undefined) timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  });
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>(
    (resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exitCode, exitSignal) => resolve({ code: exitCode, signal: exitSignal }));
    },
  );
  clearTimeout(timer);
  const wasKilled = signal === 'SIGKILL';
  if (!wasKilled && code !== 0) throw new Error(`the pass ended with ${code ?? signal}: ${errors}`);
  const snapshotId = /done ([0-9a-f]{64})/.exec(output)?.[1];
  return { snapshotId, wasKilled, durationMs: performance.now() - begunMs };
}

/** Records passes in a process that has ended when this resolves: its locks are those of a dead one. */
export async function recordPasses(request: Omit<RecordRequest, 'kind'>): Promise<Recording> {
  await runPass({ kind: 'record', ...request });
  return deserialize(readFileSync(join(request.folder, 'recording'))) as Recording;
}
