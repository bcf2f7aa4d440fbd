import { StoreError } from '../../base/errors.ts';
import type { ObjectDriver } from './driver.ts';
import { intercept } from './intercept.ts';
import type { OperationKind } from './intercept.ts';

const READS: ReadonlySet<OperationKind> = new Set(['get', 'head', 'list']);

/** A driver that reads only: whatever would change the store is refused with `permission-denied` and never sent. */
export function asReadOnly(driver: ObjectDriver): ObjectDriver {
  const reading = intercept(driver, {
    run: async (operation, work) => {
      if (READS.has(operation.kind)) return work();
      throw new StoreError(
        'permission-denied',
        `the store was opened for reading only, ${operation.kind} refused`,
        {
          where: operation.key,
          advice: 'open it without read-only to write',
        },
      );
    },
    stream: (_operation, open) => open(),
  });
  return { ...reading, capabilities: { ...driver.capabilities, readOnly: true } };
}
