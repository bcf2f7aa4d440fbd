import type { PatternList } from './patterns.ts';

/** Which paths of a snapshot are asked for. Paths start with `/`, which is the folder that is restored. */
export class PathSelection {
  readonly #include: PatternList | undefined;
  readonly #exclude: PatternList | undefined;

  constructor(include: PatternList | undefined, exclude: PatternList | undefined) {
    this.#include = include?.isEmpty === true ? undefined : include;
    this.#exclude = exclude?.isEmpty === true ? undefined : exclude;
  }

  selects(path: Uint8Array): boolean {
    if (this.#exclude?.matches(path) === true) return false;
    return this.#include?.matches(path) ?? true;
  }

  /** True when something below an unselected folder may be selected. */
  mayBeBelow(path: Uint8Array): boolean {
    if (this.#exclude?.matches(path) === true) return false;
    return this.#include?.mayMatchBelow(path) ?? false;
  }
}
