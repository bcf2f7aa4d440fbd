import { big } from './big.ts';
import type { DataSet } from './data-set.ts';
import { database } from './database.ts';
import { few } from './few.ts';
import { image } from './image.ts';
import { one } from './one.ts';
import { small } from './small.ts';
import { source } from './source.ts';
import { versions } from './versions.ts';
import { wide } from './wide.ts';

export const dataSets: readonly DataSet[] = [big, one, source, small, wide, image, database, versions, few];
