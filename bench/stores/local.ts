import { join } from 'node:path';
import { leavePageCache } from '../support/page-cache.ts';
import { countTree } from '../support/tree-count.ts';
import type { Store } from './store.ts';

export const local: Store = {
  name: 'local',
  about: 'a folder on the file system of the data',
  kind: 'local',
  absent: () => undefined,
  open: async ({ folder }) => {
    const path = join(folder, 'repository');
    return {
      location: { kind: 'local', path },
      repositoryBytes: async () => countTree(path).bytes,
      leaveCache: () => leavePageCache(path),
      takeTraffic: undefined,
      close: async () => undefined,
    };
  },
};
