import { RepositoryError } from '../../base/errors.ts';
import { close, openDirectoryAt } from '../../base/file-system.ts';
import type { RestorePlan } from './restore-plan.ts';

/** Descriptors kept open; a restore in pack order returns to the same few folders again and again. */
const openFolders = 512;

interface PinnedFolder {
  readonly fd: number;
  users: number;
}

/**
 * Descriptors of the plan's directories, opened one name at a time from the target down, never through a link. A
 * descriptor that `fdOf` returns is valid until the next call, one of `pin` until it is unpinned as often.
 */
export class TargetFolders {
  readonly #plan: RestorePlan;
  readonly #targetFd: number;
  /** In order of last use. */
  readonly #open = new Map<number, number>();
  /** Those that a worker may be using. */
  readonly #pinned = new Map<number, PinnedFolder>();

  constructor(plan: RestorePlan, targetFd: number) {
    this.#plan = plan;
    this.#targetFd = targetFd;
  }

  fdOf(directory: number): number {
    if (directory === 0) return this.#targetFd;
    const pinned = this.#pinned.get(directory);
    if (pinned !== undefined) return pinned.fd;
    const open = this.#open.get(directory);
    if (open !== undefined) {
      this.#open.delete(directory);
      this.#open.set(directory, open);
      return open;
    }
    return this.#openFrom(directory);
  }

  pin(directory: number): number {
    if (directory === 0) return this.#targetFd;
    const pinned = this.#pinned.get(directory);
    if (pinned !== undefined) {
      pinned.users++;
      return pinned.fd;
    }
    const fd = this.fdOf(directory);
    this.#open.delete(directory);
    this.#pinned.set(directory, { fd, users: 1 });
    return fd;
  }

  unpin(directory: number): void {
    const pinned = this.#pinned.get(directory);
    if (pinned === undefined || --pinned.users > 0) return;
    this.#pinned.delete(directory);
    this.#open.set(directory, pinned.fd);
    this.#trim(directory);
  }

  close(): void {
    for (const fd of this.#open.values()) close(fd);
    for (const { fd } of this.#pinned.values()) close(fd);
    this.#open.clear();
    this.#pinned.clear();
  }

  /** Climbs to the nearest open ancestor, then opens downwards: a loop, since trees may be deeper than the stack. */
  #openFrom(directory: number): number {
    const missing: number[] = [];
    let ancestor = directory;
    let fd = this.#openFd(ancestor);
    while (fd === undefined) {
      missing.push(ancestor);
      const entry = this.#plan.directories[ancestor];
      if (entry === undefined) throw new RepositoryError('corrupt', `the plan has no directory ${ancestor}`);
      ancestor = entry.parent;
      fd = this.#openFd(ancestor);
    }
    for (const index of missing.toReversed()) {
      fd = openDirectoryAt(fd, this.#plan.directories[index]?.name ?? Buffer.alloc(0));
      this.#open.set(index, fd);
    }
    this.#trim(directory);
    return fd;
  }

  #openFd(directory: number): number | undefined {
    if (directory === 0) return this.#targetFd;
    return this.#open.get(directory) ?? this.#pinned.get(directory)?.fd;
  }

  #trim(inUse: number): void {
    for (const [directory, fd] of this.#open) {
      if (this.#open.size <= openFolders) return;
      if (directory === inUse) continue;
      this.#open.delete(directory);
      close(fd);
    }
  }
}
