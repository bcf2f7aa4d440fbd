/** The API report is committed, so that a change of what programs build on is seen in review. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { projectRoot, projectText } from '../support/project-files.ts';

const reportPath = 'api/tranship.api.md';

describe('the API report', () => {
  it('is up to date', () => {
    const args = [join(projectRoot, 'scripts', 'api.ts'), '--check'];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

  it('needs no type that is not exported', () => {
    const forgotten = [...projectText(reportPath).matchAll(/ae-forgotten-export\) (.*)$/gm)];
    assert.deepEqual(
      forgotten.map((match) => match[1]),
      [],
    );
  });

  it('reaches no package but Node’s types', () => {
    const imported = [...projectText(reportPath).matchAll(/^import .* from '(?!node:)(.*)';$/gm)];
    assert.deepEqual(
      imported.map((match) => match[1]),
      [],
    );
  });

  it('holds nothing without a docstring', () => {
    const bare = [...projectText(reportPath).matchAll(/^\/\/ @public \(undocumented\)\n(.*)$/gm)];
    assert.deepEqual(
      bare.map((match) => match[1]),
      [],
    );
  });
});
