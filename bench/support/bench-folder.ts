import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where data sets are kept and passes run: TRANSHIP_BENCH_DIR, else `tranship/bench` in the user's cache folder. */
export function benchFolder(): string {
  const chosen = process.env['TRANSHIP_BENCH_DIR'];
  if (chosen !== undefined && chosen !== '') return chosen;
  const cache = process.env['XDG_CACHE_HOME'];
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'tranship', 'bench');
}
