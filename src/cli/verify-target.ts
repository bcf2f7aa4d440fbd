import type { VerifyOptions } from '../copy/verify.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from './command.ts';
import { exitCode } from './exit-code.ts';
import { VerifyReport } from './reports/verify-report.ts';
import { startTicker } from './ticker.ts';

/** Verifies and reports; a difference is a failure. */
export async function verifyTarget(
  repository: Repository,
  options: VerifyOptions,
  { output }: CommandContext,
): Promise<number> {
  const { verify } = await import('../copy/verify.ts');
  const report = new VerifyReport(output);
  const ticker = output.showsStatus ? startTicker(() => report.draw()) : undefined;
  try {
    const result = await verify(repository, { ...options, onEvent: (event) => report.onEvent(event) });
    ticker?.stop();
    report.finish(result);
    return result.isEqual ? exitCode.done : exitCode.failed;
  } finally {
    ticker?.stop();
  }
}
