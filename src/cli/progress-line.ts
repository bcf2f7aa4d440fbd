import type { WriteStream } from 'node:tty';

const eraseLine = '\r\u001b[K';

/** One line at the bottom of a terminal that is written over again and again. */
export class ProgressLine {
  readonly #terminal: WriteStream;
  #shown = '';

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  /** The text must hold no control characters. It is cut to the terminal's width. */
  show(text: string): void {
    // A line of full width would wrap, and a wrapped line cannot be erased.
    const line = text.slice(0, Math.max(0, (this.#terminal.columns || 80) - 1));
    if (line === this.#shown) return;
    this.#terminal.write(eraseLine + line);
    this.#shown = line;
  }

  /** Must be called before anything else is written to the terminal. */
  clear(): void {
    if (this.#shown === '') return;
    this.#terminal.write(eraseLine);
    this.#shown = '';
  }
}
