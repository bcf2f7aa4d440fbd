import { UsageError, describeError } from '../../../base/errors.ts';
import { keepAliveDuring } from '../../../base/keep-alive.ts';
import { openDriver, openStore } from '../../../providers/objects/open.ts';
import { StoreWatch } from '../../../providers/objects/store-watch.ts';
import type { ObjectStore } from '../../../providers/objects/store.ts';
import type { StoreState } from '../../../providers/objects/store-watch.ts';
import { checkStore } from '../../../repository/store-check.ts';
import type { StoreReport } from '../../../repository/store-check.ts';
import { defineCommand } from '../../command.ts';
import { commonOptions, storeOptions } from '../../common-options.ts';
import { parseDurationMs } from '../../duration.ts';
import { exitCode } from '../../exit-code.ts';
import { formatLocalTime } from '../../local-time.ts';
import { storeOpening } from '../../open-store.ts';
import type { Output } from '../../output.ts';
import { printStoreReport } from '../../reports/store-report.ts';
import { storeLocation } from '../../repository-location.ts';

/** A look asks the store for a listing, which costs money. */
const LEAST_INTERVAL_MS = 1000;

export const command = defineCommand({
  name: 'store check',
  summary: 'try what a repository would ask of a store, and say what is missing',
  operands: [{ name: '[LOCATION]', help: 'where a repository is or shall be; default TRANSHIP_REPOSITORY' }],
  description: [
    'Tries each permission in each folder of a repository, and what the store can do, with a few small objects',
    'that are removed again. Where nothing may be deleted, nothing is written. Where objects are kept by a retention',
    'or a hold, one or two stay, and are named.',
  ],
  options: {
    watch: {
      kind: 'value',
      placeholder: 'INTERVAL',
      help: 'then look again and again, 30s or 5m apart, and say when the store is gone and when it is back',
    },
    ...storeOptions,
    ...commonOptions,
  },
  examples: [
    { command: 'tranship store check s3://replica/volumes', does: 'tells before a pass what it would meet' },
    {
      command: 'tranship store check s3://replica/volumes --watch 1m',
      does: 'goes on until it is interrupted',
    },
  ],
  exitCodes: {
    1: 'a stage pass could not work here, nor a restore',
    3: 'a restore could work, a stage pass not, or it cannot be told',
  },
  run: async (args, context) => {
    const { environment, logger, output, signal } = context;
    const intervalMs = watchIntervalMs(args.value('watch'));
    const location = await storeLocation(args.operands, environment);
    const options = await storeOpening(location, args, context);
    const driver = await openDriver(location, options);
    try {
      const report = await checkStore(driver, { logger, signal });
      printStoreReport(report, driver, output);
      if (intervalMs === undefined) return exitCodeFor(report);
      // The driver that is open: a description that came from standard input cannot be read again.
      const store = await openStore(driver, { ...options, readOnly: true });
      return await watch(store, { intervalMs, signal, output });
    } finally {
      await driver.close();
    }
  },
});

function watchIntervalMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const intervalMs = parseDurationMs(text);
  if (intervalMs >= LEAST_INTERVAL_MS) return intervalMs;
  throw new UsageError('the store would be asked too often', { where: '--watch', advice: 'use 1s or more' });
}

function exitCodeFor({ can }: StoreReport): number {
  if (can.stage === true) return exitCode.done;
  return can.stage === false && can.restore === false ? exitCode.failed : exitCode.partial;
}

interface WatchOptions {
  readonly intervalMs: number;
  readonly signal: AbortSignal | undefined;
  readonly output: Output;
}

async function watch(store: ObjectStore, { intervalMs, signal, output }: WatchOptions): Promise<never> {
  const stateWatch = new StoreWatch(store, { intervalMs, onChange: (state) => printState(state, output) });
  return keepAliveDuring(() => stateWatch.run(signal ?? new AbortController().signal));
}

function printState(state: StoreState, output: Output): void {
  const isGone = state.kind === 'gone';
  const why = isGone ? `: ${describeError(state.error)}` : '';
  output.print(`${formatLocalTime(state.sinceMs)} ${state.kind}${why}`);
  output.message({
    message_type: 'store_state',
    state: state.kind,
    since: new Date(state.sinceMs).toISOString(),
    ...(isGone ? { code: state.error.code, message: describeError(state.error) } : {}),
  });
}
