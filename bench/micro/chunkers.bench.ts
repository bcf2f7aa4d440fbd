// How fast each chunker cuts 8 MiB of noise that does not repeat.
import { randomFillSync } from 'node:crypto';
import { openChunker } from '../../src/repository/chunker/open-chunker.ts';
import { runCases } from './suite.ts';

const parameters = { polynomial: 0x3da3358b4dc173n, gearSeed: new Uint8Array(32).fill(7) };

runCases(
  'chunkers',
  (['rabin', 'fastcdc'] as const).map((name) => {
    const chunker = openChunker(name, parameters);
    const { window } = chunker;
    randomFillSync(window);
    const work = (): void => {
      for (let start = 0; start < window.length;) start += chunker.nextChunk(start, window.length, true);
    };
    return { name: `${name}, ${window.length / 2 ** 20} MiB`, work, bytes: window.length };
  }),
);
