/**
 * 64 objects of 16 MiB put and got through a store's driver, and through the service's plain SDK with as many requests
 * at once, in turns against one server: npm run bench -- store-driver KIND [ROUNDS]. Prints medians of MB/s and of
 * processor seconds of this process, our ratio to the SDK, and keeps all in bench/results/store-driver-KIND.json.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { azureBlobRace } from './drivers/azure-blob.ts';
import type { Contestant, DriverRace } from './drivers/driver-race.ts';
import { gcsRace } from './drivers/gcs.ts';
import { s3Race } from './drivers/s3.ts';
import { describeMachine } from './support/machine.ts';

const objects = 64;
const sizeBytes = 16 * 2 ** 20;
const concurrency = 8;
const races: Readonly<Record<string, () => Promise<DriverRace>>> = {
  'azure-blob': azureBlobRace,
  gcs: gcsRace,
  s3: s3Race,
};

interface Figure {
  readonly megabytesPerSecond: number;
  readonly processorSeconds: number;
}

async function timed(work: (index: number) => Promise<void>): Promise<Figure> {
  const limit = pLimit(concurrency);
  const startMs = performance.now();
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: objects }, (_, index) => limit(() => work(index))));
  const { user, system } = process.cpuUsage(before);
  return {
    megabytesPerSecond: (objects * sizeBytes) / 1e6 / ((performance.now() - startMs) / 1000),
    processorSeconds: (user + system) / 1e6,
  };
}

function hashed(body: Buffer): { readonly body: Buffer; readonly sha256: string } {
  return { body, sha256: createHash('sha256').update(body).digest('hex') };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function run(kind: string, contestants: readonly Contestant[], rounds: number): Promise<void> {
  const bodies = Array.from({ length: 4 }, () => hashed(randomBytes(sizeBytes)));
  const empty = hashed(Buffer.alloc(0));
  const figures = new Map<string, Figure[]>();
  const note = (what: string, figure: Figure): void => {
    figures.set(what, [...(figures.get(what) ?? []), figure]);
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const { name } = contestant;
      const putOne = async (i: number): Promise<void> => {
        const { body, sha256 } = bodies[i % bodies.length] ?? empty;
        await contestant.put(`${name}/${i}`, body, sha256);
      };
      note(`put ${name}`, await timed(putOne));
      const checked = async (i: number): Promise<void> => {
        if ((await contestant.get(`${name}/${i}`)) !== sizeBytes) throw new Error(`${name}/${i} came short`);
      };
      note(`get ${name}`, await timed(checked));
    }
  }
  for (const what of ['put', 'get']) {
    const [sdk, ours] = contestants.map(({ name }) => {
      const all = figures.get(`${what} ${name}`) ?? [];
      return {
        speed: median(all.map((figure) => figure.megabytesPerSecond)),
        processor: median(all.map((figure) => figure.processorSeconds)),
      };
    });
    if (sdk === undefined || ours === undefined) throw new Error('two contestants are needed');
    const ratio = (ours.speed / sdk.speed).toFixed(2);
    const text = ({ speed, processor }: typeof sdk) => `${speed.toFixed(0)} MB/s, ${processor.toFixed(1)} s`;
    console.log(`${kind} ${what}: tranship ${text(ours)}; SDK ${text(sdk)}; ratio ${ratio}`);
  }
  await keep(kind, Object.fromEntries(figures));
}

async function keep(kind: string, figures: Readonly<Record<string, readonly Figure[]>>): Promise<void> {
  const results = join(import.meta.dirname, 'results');
  const work = { objects, sizeBytes, concurrency };
  const report = { finished: new Date().toISOString(), machine: describeMachine(), work, figures };
  await mkdir(results, { recursive: true });
  await writeFile(join(results, `store-driver-${kind}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
}

const [kind = '', rounds = '5'] = process.argv.slice(2);
const open = Object.hasOwn(races, kind) ? races[kind] : undefined;
if (open === undefined) throw new RangeError(`name a kind of store: ${Object.keys(races).join(' or ')}`);
const { contestants, close } = await open();
try {
  await run(kind, contestants, Number(rounds));
} finally {
  for (const contestant of contestants) await contestant.close();
  await close();
}
