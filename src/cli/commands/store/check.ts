import { describeError } from '../../../base/errors.ts';
import { keepAliveDuring } from '../../../base/keep-alive.ts';
import { openDriver, openStore, parseStoreLocation } from '../../../providers/objects/open.ts';
import type { OpenStoreOptions } from '../../../providers/objects/open.ts';
import { StoreWatch } from '../../../providers/objects/store-watch.ts';
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

export const command = defineCommand({
  name: 'store check',
  summary: 'try what a repository would ask of a store, and say what is missing',
  operands: [{ name: '[LOCATION]', help: 'where a repository is or shall be; default TRANSHIP_REPOSITORY' }],
  description: [
    'Tries each permission in each folder of a repository, and what the store can do, with a few small objects',
    'that are removed again. Where nothing may be deleted, nothing is written.',
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
    3: 'a restore could work, a stage pass not',
  },
  run: async (args, context) => {
    const { environment, output, signal } = context;
    const interval = args.value('watch');
    const intervalMs = interval === undefined ? undefined : parseDurationMs(interval);
    const location = await storeLocation(args.operands, environment);
    const options = await storeOpening(args, context);
    const driver = await openDriver(location, options);
    try {
      const report = await checkStore(driver, { signal });
      printStoreReport(report, parseStoreLocation(driver.url), output);
      if (intervalMs === undefined) return exitCodeFor(report);
    } finally {
      await driver.close();
    }
    return watch(location, options, intervalMs, output);
  },
});

function exitCodeFor({ can }: StoreReport): number {
  if (can.stage) return exitCode.done;
  return can.restore ? exitCode.partial : exitCode.failed;
}

async function watch(
  location: string,
  options: OpenStoreOptions,
  intervalMs: number,
  output: Output,
): Promise<never> {
  const store = await openStore(location, { ...options, logger: undefined, readOnly: true });
  const stateWatch = new StoreWatch(store, { intervalMs, onChange: (state) => printState(state, output) });
  try {
    return await keepAliveDuring(() => stateWatch.run(options.signal ?? new AbortController().signal));
  } finally {
    await store.close();
  }
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
