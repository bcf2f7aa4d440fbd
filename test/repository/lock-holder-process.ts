/** Run as a process of its own: takes an exclusive lock on the repository in a folder, and does what it is told. */
import { openStore } from '../../src/providers/objects/open.ts';
import { acquireLock } from '../../src/repository/locks.ts';
import { Repository } from '../../src/repository/repository.ts';

const [, , location = '', password = '', then = ''] = process.argv;
const repository = await Repository.open(await openStore(location), { password });
const lock = await acquireLock(repository, { exclusive: true });
process.stdout.write(`${lock.id}\n`);
// Without this nothing is left that would keep the process alive.
if (then === 'stay') setInterval(() => undefined, 1000);
if (then === 'release') await lock.release();
