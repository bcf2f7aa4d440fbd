/** The passes in the order in which a turn makes them. Later ones find what earlier ones left. */
export const passes = [
  { name: 'start', about: 'the program prints its version', after: [] },
  { name: 'open', about: 'the repository is opened, its key derived, and its config printed', after: [] },
  { name: 'first', about: 'a first pass into an empty repository', after: [] },
  { name: 'unchanged', about: 'again, and nothing has changed', after: ['first'] },
  { name: 'restore', about: 'the last snapshot into an empty folder', after: ['first'] },
  { name: 'verify', about: 'every byte of what was restored is compared', after: ['restore'] },
  { name: 'check', about: 'the structure of the repository is checked', after: ['first'] },
  { name: 'changed', about: 'again, and 1 % has changed', after: ['first'] },
  {
    name: 'restore-over',
    about: 'the last snapshot over the one before, with delete',
    after: ['restore', 'changed'],
  },
  { name: 'check-data', about: 'every byte of the repository is read and checked', after: ['first'] },
  { name: 'forget', about: 'all snapshots but the last go, with what only they need', after: ['changed'] },
] as const;

export type PassName = (typeof passes)[number]['name'];

export const passNames: readonly PassName[] = passes.map(({ name }) => name);

/** The chosen passes with all that they need to have run before, in order. */
export function withNeeded(chosen: readonly PassName[]): PassName[] {
  const needed = new Set<PassName>(chosen);
  for (const { name, after } of passes.toReversed()) {
    if (needed.has(name)) for (const earlier of after) needed.add(earlier);
  }
  return passNames.filter((name) => needed.has(name));
}
