import { StoreError } from '../../../src/base/errors.ts';
import type { ObjectBody, ObjectDriver, ObjectInfo } from '../../../src/providers/objects/driver.ts';
import { intercept } from '../../../src/providers/objects/intercept.ts';
import type { Interceptor, Operation, OperationKind } from '../../../src/providers/objects/intercept.ts';
import { copyBody } from '../../../src/providers/objects/object-body.ts';
import { untilAborted } from './until-aborted.ts';

/** What goes wrong with a request that a rule matches. An absent `error` is a retryable `unavailable`. */
export type FaultAction =
  /** Fails, and nothing happened. */
  | { readonly kind: 'fail-before'; readonly error?: Error }
  /** Happens, and fails all the same. */
  | { readonly kind: 'fail-after'; readonly error?: Error }
  /** Answers `put` and `delete` with success though nothing happened, `get` and `list` with nothing. */
  | { readonly kind: 'drop' }
  /** Stores, or yields, only the first bytes (`get`, `put`) and answers success. */
  | { readonly kind: 'truncate'; readonly sizeBytes: number }
  /** Stores, or yields, one bit changed (`get`, `put`); positions past the end change nothing. */
  | { readonly kind: 'flip'; readonly offset: number; readonly bit?: number }
  /** A `get` fails after so many bytes, a `list` after so many objects. */
  | { readonly kind: 'break-off'; readonly after: number; readonly error?: Error }
  /** Never answers; rejects when the signal fires. */
  | { readonly kind: 'stall' }
  /** A listing without some objects. */
  | { readonly kind: 'omit'; readonly omits: (key: string) => boolean };

export interface FaultRule {
  /** Default: every kind. */
  readonly on?: OperationKind | readonly OperationKind[];
  /** Default: every key. */
  readonly key?: RegExp;
  /** The first matching request that fails, from 1. Default 1. */
  readonly nth?: number;
  /** Matching requests that fail from there on. Default 1. */
  readonly times?: number;
  readonly action: FaultAction;
}

/** Decides about each request in turn; an action or undefined. */
export interface FaultPlan {
  /** Requests that went wrong so far. */
  readonly fired: number;
  choose(operation: Operation): FaultAction | undefined;
}

/** Faults where the rules say; the first rule that matches and is due wins. */
export function faultRules(...rules: readonly FaultRule[]): FaultPlan {
  const seen = rules.map(() => 0);
  let fired = 0;
  return {
    get fired() {
      return fired;
    },
    choose(operation) {
      let chosen: FaultAction | undefined;
      for (const [index, rule] of rules.entries()) {
        if (!matches(rule, operation)) continue;
        const count = (seen[index] ?? 0) + 1;
        seen[index] = count;
        const nth = rule.nth ?? 1;
        if (chosen === undefined && count >= nth && count < nth + (rule.times ?? 1)) chosen = rule.action;
      }
      if (chosen !== undefined) fired += 1;
      return chosen;
    },
  };
}

/** Exactly the nth request fails. `fired` stays 0 when there were fewer: then every position was tried. */
export function failNth(nth: number, action: FaultAction = { kind: 'fail-before' }): FaultPlan {
  return faultRules({ nth, action });
}

/** Runs the scenario with a failure at its first request, then its second, until it makes no further one. */
export async function failEverywhere(
  action: FaultAction,
  scenario: (plan: FaultPlan, nth: number) => Promise<void>,
): Promise<void> {
  for (let nth = 1; ; nth += 1) {
    const plan = failNth(nth, action);
    await scenario(plan, nth);
    if (plan.fired === 0) return;
  }
}

/** Each request goes wrong with the probability, in one of the ways; equal seeds and requests give equal faults. */
export function seededFaults(
  seed: number,
  probability: number,
  actions: readonly FaultAction[] = [{ kind: 'fail-before' }, { kind: 'fail-after' }],
): FaultPlan {
  const random = seededRandom(seed);
  let fired = 0;
  return {
    get fired() {
      return fired;
    },
    choose() {
      if (random() >= probability) return undefined;
      fired += 1;
      return actions[Math.floor(random() * actions.length)];
    },
  };
}

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A driver whose requests go wrong as planned. */
export function withFaults(driver: ObjectDriver, plan: FaultPlan): ObjectDriver {
  const operationOf = (kind: OperationKind, key: string, signal: AbortSignal | undefined): Operation => {
    return { kind, key, sizeBytes: 0, signal };
  };
  const interceptor: Interceptor = {
    run: (operation, work) => runFaulty(plan.choose(operation), operation, work),
    stream: (_operation, open) => open(),
  };
  return {
    ...intercept(driver, interceptor),
    put: async (key, body, options) => {
      const operation = operationOf('put', key, options.signal);
      const action = plan.choose(operation);
      const work = (): Promise<void> => driver.put(key, damagedBody(body, action), options);
      if (action?.kind !== 'drop') await runFaulty(action, operation, work);
    },
    delete: async (key, options) => {
      const operation = operationOf('delete', key, options.signal);
      const action = plan.choose(operation);
      if (action?.kind !== 'drop') await runFaulty(action, operation, () => driver.delete(key, options));
    },
    get: async function* (key, options) {
      const operation = operationOf('get', key, options.signal);
      yield* getFaulty(plan.choose(operation), operation, () => driver.get(key, options));
    },
    list: async function* (prefix, options) {
      const operation = operationOf('list', prefix, options.signal);
      yield* listFaulty(plan.choose(operation), operation, () => driver.list(prefix, options));
    },
  };
}

async function runFaulty<T>(
  action: FaultAction | undefined,
  operation: Operation,
  work: () => Promise<T>,
): Promise<T> {
  switch (action?.kind) {
    case 'fail-before':
      throw errorOf(action, operation);
    case 'fail-after':
      await work();
      throw errorOf(action, operation);
    case 'stall':
      return untilAborted(operation.signal);
    default:
      return work();
  }
}

async function* getFaulty(
  action: FaultAction | undefined,
  operation: Operation,
  open: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!(await begins(action, operation))) return;
  let offset = 0;
  for await (const piece of open()) {
    if (action?.kind === 'flip') flipBit(piece, action.offset - offset, action.bit);
    const limit = action?.kind === 'truncate' ? action.sizeBytes : breakOffAfter(action);
    const left = piece.subarray(0, Math.max(0, limit - offset));
    offset += piece.byteLength;
    if (left.byteLength > 0) yield left;
    if (offset > breakOffAfter(action)) break;
  }
  ends(action, operation);
}

async function* listFaulty(
  action: FaultAction | undefined,
  operation: Operation,
  open: () => AsyncIterable<ObjectInfo>,
): AsyncGenerator<ObjectInfo, void, undefined> {
  if (!(await begins(action, operation))) return;
  let count = 0;
  for await (const info of open()) {
    if (count >= breakOffAfter(action)) break;
    count += 1;
    if (action?.kind !== 'omit' || !action.omits(info.key)) yield info;
  }
  ends(action, operation);
}

/** False when the stream is to be empty. */
async function begins(action: FaultAction | undefined, operation: Operation): Promise<boolean> {
  if (action?.kind === 'fail-before') throw errorOf(action, operation);
  if (action?.kind === 'stall') await untilAborted(operation.signal);
  return action?.kind !== 'drop';
}

function ends(action: FaultAction | undefined, operation: Operation): void {
  if (action?.kind === 'fail-after' || action?.kind === 'break-off') throw errorOf(action, operation);
}

function breakOffAfter(action: FaultAction | undefined): number {
  return action?.kind === 'break-off' ? action.after : Infinity;
}

function damagedBody(body: ObjectBody, action: FaultAction | undefined): ObjectBody {
  if (action?.kind !== 'truncate' && action?.kind !== 'flip') return body;
  const bytes = copyBody(body);
  if (action.kind === 'truncate') return bytes.subarray(0, action.sizeBytes);
  flipBit(bytes, action.offset, action.bit);
  return bytes;
}

function flipBit(bytes: Uint8Array, position: number, bit = 0): void {
  const value = bytes[position];
  if (value !== undefined) bytes[position] = value ^ (1 << bit);
}

function errorOf(action: { readonly error?: Error }, operation: Operation): Error {
  const what = `injected failure of ${operation.kind}`;
  return action.error ?? new StoreError('unavailable', what, { where: operation.key, retryable: true });
}

function matches(rule: FaultRule, operation: Operation): boolean {
  if (rule.key !== undefined && !rule.key.test(operation.key)) return false;
  if (rule.on === undefined) return true;
  return typeof rule.on === 'string' ? rule.on === operation.kind : rule.on.includes(operation.kind);
}
