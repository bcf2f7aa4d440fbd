// npm run bench [-- NAME [option...]]: runs bench/NAME.bench.ts, or lists the names when none is given.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const folder = join(dirname(import.meta.dirname), 'bench');
const suffix = '.bench.ts';
const known = globSync(`*${suffix}`, { cwd: folder }).map((file) => basename(file, suffix));
const [name, ...args] = process.argv.slice(2);

if (name === undefined) {
  console.log(`benches: ${known.sort().join(' ')}\nrun one: npm run bench -- NAME [option...]`);
} else if (!known.includes(name)) {
  console.error(`no bench is called ${name} (known: ${known.join(', ')})`);
  process.exitCode = 2;
} else {
  const result = spawnSync(process.execPath, [join(folder, name + suffix), ...args], { stdio: 'inherit' });
  process.exitCode = result.status ?? 1;
}
