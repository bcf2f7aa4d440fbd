import type { Command } from './command.ts';

type Load = () => Promise<{ readonly command: Command }>;

/** In the order of the help, under its headings. A command's module is read only when it is asked for. */
const loaders: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  'Staging and restoring': {
    init: () => import('./commands/init.ts'),
    stage: () => import('./commands/stage.ts'),
    restore: () => import('./commands/restore.ts'),
    verify: () => import('./commands/verify.ts'),
  },
  Snapshots: {
    snapshots: () => import('./commands/snapshots.ts'),
    ls: () => import('./commands/ls.ts'),
    find: () => import('./commands/find.ts'),
    diff: () => import('./commands/diff.ts'),
    dump: () => import('./commands/dump.ts'),
    stats: () => import('./commands/stats.ts'),
    copy: () => import('./commands/copy.ts'),
    tag: () => import('./commands/tag.ts'),
  },
  'The repository': {
    check: () => import('./commands/check.ts'),
    cat: () => import('./commands/cat.ts'),
    key: () => import('./commands/key.ts'),
    unlock: () => import('./commands/unlock.ts'),
    migrate: () => import('./commands/migrate.ts'),
  },
  'Disks of a cloud': {
    disk: () => import('./commands/disk.ts'),
  },
  'The store': {
    store: () => import('./commands/store.ts'),
  },
  'The shell': {
    completion: () => import('./commands/completion.ts'),
  },
};

const loaderByName = new Map(Object.values(loaders).flatMap((group) => Object.entries(group)));

export const commandNames: readonly string[] = [...loaderByName.keys()];

/** By name; a group of commands, `key`, is one command here. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  return (await loaderByName.get(name)?.())?.command;
}

export async function loadCommands(): Promise<readonly Command[]> {
  return Promise.all([...loaderByName.values()].map(async (load) => (await load()).command));
}

export interface CommandSection {
  readonly title: string;
  readonly commands: readonly Command[];
}

/** All commands under the headings of the general help. */
export async function loadCommandSections(): Promise<readonly CommandSection[]> {
  const commands = await loadCommands();
  return Object.entries(loaders).map(([title, group]) => ({
    title,
    commands: commands.filter(({ name }) => Object.hasOwn(group, name)),
  }));
}
