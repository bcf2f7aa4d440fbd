import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../test/support/temporary-folder.ts';
import type { KeptData } from './data/kept-data.ts';
import { passNames, withNeeded } from './passes.ts';
import type { PassName } from './passes.ts';
import type { Place, Program, Step } from './programs/program.ts';
import type { OpenStore, Store } from './stores/store.ts';
import { measure, sumOf } from './support/measure.ts';
import type { Cost } from './support/resource-meter.ts';
import type { Measured } from './support/run-file.ts';
import { assertSameTree } from './support/tree-count.ts';

/** One program in one cell in one round. */
export interface Turn {
  readonly data: KeptData;
  readonly store: Store;
  readonly program: Program;
  /** Which passes to measure; those that they need run as well. */
  readonly passes: readonly PassName[];
  /** Undefined: count traffic instead of time. */
  readonly round: number | undefined;
}

const restoring: readonly PassName[] = ['restore', 'restore-over'];
/** They mostly run on a machine that has not written the repository. */
const elsewhere: readonly PassName[] = [...restoring, 'check-data'];

/** Runs all passes on one new repository, in a new folder below `folder`, and returns what was asked for. */
export async function runTurn(turn: Turn, folder: string): Promise<Measured[]> {
  const work = mkdtempSync(join(folder, 'turn-'));
  const place = (name: string): string => {
    mkdirSync(join(work, name));
    return join(work, name);
  };
  try {
    const store = await turn.store.open({ folder: place('store'), isCounted: turn.round === undefined });
    try {
      const { location } = store;
      const state = place('state');
      const target = place('target');
      return await runPasses(turn, store, { data: turn.data.tree, repository: location, target, state });
    } finally {
      await store.close();
    }
  } finally {
    turn.data.revert();
    removeTree(work);
  }
}

async function runPasses(turn: Turn, store: OpenStore, place: Place): Promise<Measured[]> {
  const { data, program } = turn;
  const commands = program.passes(place);
  const env = { HOME: place.state, XDG_CACHE_HOME: join(place.state, 'cache'), ...program.env(place) };
  const options = { env, cwd: place.state };
  for (const command of program.init(place)) await measure(command, options);
  store.takeTraffic?.();
  const results: Measured[] = [];
  const wanted = turn.passes.filter((name) => commands[name] !== undefined);
  for (const pass of withNeeded(wanted)) {
    const steps = commands[pass];
    if (steps === undefined) continue;
    if (pass === 'changed') await data.change();
    if (elsewhere.includes(pass)) store.leaveCache?.();
    const cost = await runSteps(steps, options);
    const traffic = store.takeTraffic?.();
    if (turn.round === 0 && restoring.includes(pass) && keepsTree(program)) {
      assertSameTree(data.tree, place.target);
    }
    if (!wanted.includes(pass)) continue;
    const { name: storeName } = turn.store;
    const cell = { data: data.name, store: storeName, program: program.name, pass };
    const writes = ['first', 'unchanged', 'changed', 'forget'].includes(pass);
    results.push({
      ...cell,
      ...(turn.round === undefined ? {} : { round: turn.round, cost }),
      ...(traffic === undefined ? {} : { traffic }),
      ...(writes && hasRepository(place) ? { repositoryBytes: await store.repositoryBytes() } : {}),
    });
  }
  return results;
}

async function runSteps(
  steps: readonly Step[],
  options: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): Promise<Cost> {
  const costs: Cost[] = [];
  for (const { command, isSelfMetered = false } of steps) {
    costs.push(await measure(command, { ...options, isSelfMetered }));
  }
  return sumOf(costs);
}

/** `sdk` cuts files into objects and does not join them again. */
function keepsTree({ name }: Program): boolean {
  return name !== 'sdk';
}

function hasRepository({ repository }: Place): boolean {
  return repository.kind === 's3' || existsSync(repository.path);
}

/** Whether the program has a part in a cell at all. */
export function takesPart(program: Program, store: Store, passes: readonly PassName[]): boolean {
  if (!program.stores.includes(store.kind)) return false;
  const { kind } = store;
  const repository =
    kind === 'local'
      ? ({ kind, path: '' } as const)
      : { kind, endpoint: 'http://127.0.0.1', bucket: '', region: '', accessKeyId: '', secretAccessKey: '' };
  const commands = program.passes({ data: '', repository, target: '', state: '' });
  return passNames.some((name) => passes.includes(name) && commands[name] !== undefined);
}
