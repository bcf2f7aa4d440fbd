/** round-trip-program.ts FOLDER SEED TREES: one round trip. Without arguments it only shows that it can be started. */
import { roundTrip } from './round-trip.ts';

const [folder, seed, trees] = process.argv.slice(2);
if (folder !== undefined) await roundTrip(folder, Number(seed), Number(trees));
