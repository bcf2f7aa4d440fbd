import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyProviders, storePolicy } from '../../src/repository/store-policy.ts';
import { storeRoles } from '../../src/repository/store-rights.ts';
import { projectText } from '../support/project-files.ts';
import { tranship } from '../support/tranship.ts';

/** What stands in the fence below a line. */
function fenceBelow(page: string, line: string): string {
  const start = page.indexOf(`\n${line}\n`);
  assert.ok(start >= 0, `no line: ${line}`);
  return /```\w+\n([^]*?)```\n/.exec(page.slice(start))?.[1] ?? '';
}

describe('the policies in docs/providers.md', () => {
  const page = projectText('docs/providers.md');
  for (const provider of policyProviders) {
    for (const role of storeRoles) {
      it(`are what the command prints: ${provider} ${role}`, () => {
        const command = `tranship store policy ${provider} ${role} --bucket BUCKET --prefix PREFIX`;
        const policy = storePolicy(provider, role, { bucket: 'BUCKET', prefix: 'PREFIX' });
        assert.equal(fenceBelow(page, `\`${command}\`:`), policy);
        if (provider !== 'gcp') JSON.parse(policy);
      });
    }
  }

  it('come from the command word for word', async () => {
    const args = ['store', 'policy', 'aws', 'restore', '--prefix', '/a/b/', '--bucket', 'replica'];
    const { code, stdout } = await tranship(args);
    assert.equal(code, 0);
    assert.equal(stdout, storePolicy('aws', 'restore', { bucket: 'replica', prefix: 'a/b' }));
  });
});
