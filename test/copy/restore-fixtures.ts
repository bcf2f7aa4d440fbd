/** Sources that are staged, for the tests of restore. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTree } from '../support/tree-entry.ts';
import { stageAll, workplace } from './copying.ts';
import type { Workplace } from './copying.ts';

export interface Staged extends Workplace {
  readonly source: string;
  readonly target: string;
}

/** A source that `fill` fills, staged as `/v`. */
export async function staged(
  t: Parameters<typeof workplace>[0],
  fill: (source: string) => void,
): Promise<Staged> {
  const place = await workplace(t);
  const source = join(place.folder, 'source');
  mkdirSync(source);
  fill(source);
  await stageAll(place.repository, source);
  return { ...place, source, target: join(place.folder, 'target') };
}

export function files(...names: readonly string[]): (source: string) => void {
  return (source) => {
    for (const name of names) {
      mkdirSync(join(source, name, '..'), { recursive: true });
      writeFileSync(join(source, name), `contents of ${name}`);
    }
  };
}

/** All of a tree that a pass could change, as text. */
export function portrait(root: string): string[] {
  return readTree(root).map(({ path, status, attributes, target }) => {
    const { type, mode, uid, gid, inode, links, sizeBytes, mtimeNs, ctimeNs } = status;
    const facts = [type, mode, uid, gid, inode, links, sizeBytes, mtimeNs, ctimeNs, target?.toString('hex')];
    return `${path.map((name) => name.toString('hex')).join('/')} ${facts.join(' ')} ${JSON.stringify(attributes)}`;
  });
}

/** Paths of all packs in a folder. */
export function packsOf(location: string): string[] {
  const data = join(location, 'data');
  return readdirSync(data, { recursive: true, encoding: 'utf8' })
    .map((name) => join(data, name))
    .filter((path) => statSync(path).isFile());
}
