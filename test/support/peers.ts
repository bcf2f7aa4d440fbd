import { describe, it } from 'node:test';
import { peerBinary, peerInstalled, peers } from '../../scripts/peer-catalogue.ts';
import type { PeerName } from '../../scripts/peer-catalogue.ts';

export type { PeerName } from '../../scripts/peer-catalogue.ts';

/** Path of the peer's executable; undefined when it is not installed. */
export function peer(name: PeerName): string | undefined {
  const found = peers.find((candidate) => candidate.name === name);
  return found !== undefined && peerInstalled(found) ? peerBinary(found) : undefined;
}

/**
 * A `describe` that needs peers; `fn` gets the path of each. Where one is absent the suite fails under
 * TRANSHIP_REQUIRE_PEERS=1, and is otherwise skipped and says so on standard error as well.
 */
export function peerSuite<const Names extends readonly PeerName[]>(
  names: Names,
  title: string,
  fn: (paths: Readonly<Record<Names[number], string>>) => void,
): void {
  const paths = new Map(names.map((name) => [name, peer(name)] as const));
  const absent = names.filter((name) => paths.get(name) === undefined);
  if (absent.length === 0) {
    // Every name was just found to have a path.
    const complete = Object.fromEntries(paths) as Record<Names[number], string>;
    describe(title, () => fn(complete));
    return;
  }
  const reason = `${absent.join(' and ')} not installed; to get it: npm run peers`;
  if (process.env['TRANSHIP_REQUIRE_PEERS'] === '1') {
    it(title, () => {
      throw new Error(`${reason} (TRANSHIP_REQUIRE_PEERS=1 allows no skip)`);
    });
    return;
  }
  process.stderr.write(`SKIPPED: ${title}: ${reason}\n`);
  it(title, { skip: reason }, () => undefined);
}
