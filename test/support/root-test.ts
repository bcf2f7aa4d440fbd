import { it } from 'node:test';
import type { TestContext } from 'node:test';

/** An `it` that only root can run; anybody else skips it and says so on standard error as well. */
export function rootTest(title: string, fn: (t: TestContext) => void | Promise<void>): void {
  if (process.getuid?.() === 0) {
    it(title, fn);
    return;
  }
  const reason = 'needs root; to run it: sudo npm test';
  process.stderr.write(`SKIPPED: ${title}: ${reason}\n`);
  it(title, { skip: reason }, () => undefined);
}

/** Ends a test whose file system or kernel lacks what it needs, and says so on standard error as well. */
export function skipLoudly(t: TestContext, reason: string): void {
  process.stderr.write(`SKIPPED: ${t.name}: ${reason}\n`);
  t.skip(reason);
}

/** Runs a call without root's rights; a user who has none runs it as it is. */
export function asNobody<Result>(call: () => Result): Result {
  if (process.getuid?.() !== 0) return call();
  process.seteuid?.(65534);
  try {
    return call();
  } finally {
    process.seteuid?.(0);
  }
}
