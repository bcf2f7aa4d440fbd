import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { preflightRules } from '../../src/snapshot/preflight.ts';
import { projectText } from '../support/project-files.ts';

describe('the rules in docs/disk-snapshots.md', () => {
  it('are those that are checked, each with its code and a test of its own', () => {
    const page = projectText('docs/disk-snapshots.md');
    const rows = [...page.matchAll(/^\| (.+?)( \(warning\))? \| `([a-z-]+)` \| `tells ([a-z-]+)` \|$/gm)];
    const told = rows.map(([, rule, warning, code, test]) => {
      return { rule, code, test, severity: warning === undefined ? 'error' : 'warning' };
    });
    const checked = preflightRules.map(({ rule, code, severity }) => ({ rule, code, test: code, severity }));
    assert.deepEqual(told, checked);
    // The table of cases there is complete, which another test proves.
    const tests = projectText('test/snapshot/preflight.test.ts');
    for (const { code } of checked) assert.ok(tests.includes(`'${code}': [`), code);
  });
});
