import { local } from './local.ts';
import { s3 } from './s3.ts';
import type { Store } from './store.ts';

export const stores: readonly Store[] = [
  local,
  s3('s3', 'an S3 server on loopback'),
  s3('s3-20ms', 'the same behind 20 ms and 1 Gbit/s', { roundTripMs: 20, megabitsPerSecond: 1000 }),
  s3('s3-100ms', 'the same behind 100 ms', { roundTripMs: 100 }),
];
