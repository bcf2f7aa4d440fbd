import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { projectFiles, projectRoot } from '../support/project-files.ts';
import { anchorsOf, localLinksOf } from './document.ts';

describe('links between documents', () => {
  for (const path of projectFiles('*.md', 'docs/**/*.md')) {
    it(path, () => {
      const broken = localLinksOf(path).filter(({ target, anchor }) => {
        if (!existsSync(join(projectRoot, target))) return true;
        return anchor !== undefined && !anchorsOf(target).has(anchor);
      });
      assert.deepEqual(broken, []);
    });
  }
});
