import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

type Change =
  | { readonly kind: 'overwritten'; readonly path: string; readonly offset: number; readonly kept: string }
  | { readonly kind: 'removed'; readonly path: string; readonly kept: string }
  | { readonly kind: 'added'; readonly path: string };

/**
 * Changes of a tree that can be taken back, also by a later process when this one was killed: what is overwritten or
 * removed is kept in a folder beside the tree, and each change is noted there before it is made. Every program meets
 * the same contents that way, without a copy of the whole tree.
 */
export class TreeChanges {
  readonly #tree: string;
  readonly #folder: string;
  readonly #journal: string;
  #count = 0;

  /** `folder` must be on the tree's file system; it exists only while there is something to take back. */
  constructor(tree: string, folder: string) {
    this.#tree = tree;
    this.#folder = folder;
    this.#journal = join(folder, 'journal');
  }

  overwrite(path: string, offset: number, bytes: Buffer): void {
    const file = openSync(join(this.#tree, path), 'r+');
    try {
      const before = Buffer.alloc(Math.min(bytes.byteLength, fstatSync(file).size - offset));
      readSync(file, before, 0, before.byteLength, offset);
      const kept = this.#keep(before);
      this.#note({ kind: 'overwritten', path, offset, kept });
      writeSync(file, bytes, 0, before.byteLength, offset);
    } finally {
      closeSync(file);
    }
  }

  remove(path: string): void {
    const kept = this.#nextName();
    this.#note({ kind: 'removed', path, kept });
    renameSync(join(this.#tree, path), join(this.#folder, kept));
  }

  add(path: string, bytes: Buffer): void {
    this.#note({ kind: 'added', path });
    writeFileSync(join(this.#tree, path), bytes);
  }

  /** Takes everything back, newest first. Does nothing where nothing was changed. */
  undo(): void {
    if (existsSync(this.#journal)) {
      const lines = readFileSync(this.#journal, 'utf8').trimEnd().split('\n').filter(Boolean);
      for (const line of lines.toReversed()) this.#undoOne(JSON.parse(line));
    }
    rmSync(this.#folder, { recursive: true, force: true });
    this.#count = 0;
  }

  #undoOne(change: Change): void {
    const path = join(this.#tree, change.path);
    if (change.kind === 'added') {
      rmSync(path, { force: true });
      return;
    }
    const kept = join(this.#folder, change.kept);
    if (!existsSync(kept)) return;
    if (change.kind === 'removed') {
      renameSync(kept, path);
      return;
    }
    const file = openSync(path, 'r+');
    try {
      const before = readFileSync(kept);
      writeSync(file, before, 0, before.byteLength, change.offset);
    } finally {
      closeSync(file);
    }
  }

  #keep(bytes: Buffer): string {
    const name = this.#nextName();
    writeFileSync(join(this.#folder, name), bytes);
    return name;
  }

  #nextName(): string {
    mkdirSync(this.#folder, { recursive: true });
    this.#count += 1;
    return `kept-${this.#count}`;
  }

  #note(change: Change): void {
    mkdirSync(this.#folder, { recursive: true });
    appendFileSync(this.#journal, `${JSON.stringify(change)}\n`);
  }
}
