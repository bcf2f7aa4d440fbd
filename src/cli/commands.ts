import type { Command } from './command.ts';

type Load = () => Promise<{ readonly command: Command }>;

/** In the order of the help. A command's module is read only when it is asked for. */
const loaders: Readonly<Record<string, Load>> = {
  init: () => import('./commands/init.ts'),
  stage: () => import('./commands/stage.ts'),
  restore: () => import('./commands/restore.ts'),
  verify: () => import('./commands/verify.ts'),
  snapshots: () => import('./commands/snapshots.ts'),
  ls: () => import('./commands/ls.ts'),
  check: () => import('./commands/check.ts'),
  unlock: () => import('./commands/unlock.ts'),
  migrate: () => import('./commands/migrate.ts'),
};

export const commandNames = Object.keys(loaders);

export async function loadCommand(name: string): Promise<Command | undefined> {
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  return (await load?.())?.command;
}

export async function loadCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(loaders).map(async (load) => (await load()).command));
}
