// npm test: type check, lint, formatting, then every test file.
// npm test -- FILE...: only those test files.
import { spawnSync } from 'node:child_process';

const minuteMs = 60_000;
const fullScale = process.env['TRANSHIP_TEST_SCALE'] === 'full';

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const checks: readonly Check[] = [
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'formatting', command: ['prettier', '--check', '--log-level=warn', '.'] },
];

/** Exit code of the command, whose output goes straight to ours. */
function run(command: string, args: readonly string[]): number {
  const result = spawnSync(command, args, { stdio: 'inherit' });
  if (result.error !== undefined) {
    console.error(`cannot start ${command}: ${result.error.message}`);
    return 1;
  }
  return result.status ?? 1;
}

function failedChecks(): string[] {
  return checks
    .filter(({ name, command: [program, ...args] }) => {
      const start = performance.now();
      const code = run(program, args);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${code === 0 ? '✔' : '✖'} ${name} (${seconds} s)`);
      return code !== 0;
    })
    .map((check) => check.name);
}

function runTests(files: readonly string[]): number {
  const timeoutMs = (fullScale ? 120 : 10) * minuteMs;
  const options = ['--test-concurrency=2', '--test-reporter=spec', `--test-timeout=${timeoutMs}`];
  return run(process.execPath, ['--test', ...options, ...files]);
}

const chosen = process.argv.slice(2);
const failed = chosen.length === 0 ? failedChecks() : [];
// The tests run even after a failed check, so that one run tells everything.
const testCode = runTests(chosen.length === 0 ? ['test/**/*.test.ts'] : chosen);
if (failed.length > 0) console.error(`✖ failed before the tests: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 && testCode === 0 ? 1 : testCode;
