import { operationTag } from '../providers/disks/driver.ts';
import type { DiskDescription, DiskSnapshotDescription } from '../providers/disks/driver.ts';
import type { DiskDocument } from './disk-document.ts';
import { operationIdOf } from './disk-documents.ts';
import { diskTag } from './disk-tags.ts';

/** A snapshot or a disk in a cloud. */
export interface DiskRemains {
  readonly thing: 'snapshot' | 'disk';
  readonly id: string;
}

/** The same with what tells whose it is. */
export type FoundThing = DiskRemains & Pick<DiskDescription, 'tags' | 'createdMs'>;

/**
 * Whether it is what its own tag says. Tags go along: what takes backups gives a disk's tags to its snapshots, and a
 * snapshot's to disks that are made of it. Such things have all other tags of ours, and are somebody else's.
 */
export function isWhatItsTagSays({ thing, tags }: Pick<FoundThing, 'thing' | 'tags'>): boolean {
  const kind = tags[diskTag.kind];
  return thing === 'disk' ? kind === 'disk' : kind === 'snapshot' || kind === 'copy';
}

/** Azure takes an id of a subscription in any case; the others write small letters and digits only. */
export function isOfAccount(document: DiskDocument, account: string): boolean {
  return document.account.toLowerCase() === account.toLowerCase();
}

/** What a finished document says that it stands for. */
export function namedThing(document: DiskDocument): DiskSnapshotDescription | DiskDescription | undefined {
  return document.kind === 'snapshot' ? document.snapshot : document.disk;
}

export function namedRemains(document: DiskDocument): DiskRemains[] {
  const id = namedThing(document)?.id;
  return id === undefined ? [] : [{ thing: document.kind, id }];
}

/**
 * Whether something was made for a document: what that names, and what tries of it up to its own have left. Of disks
 * only this try's: one of a try before was finished perhaps, and has a user's data. What is younger than what the
 * document names was copied from that by somebody else, tags included.
 */
export function wasMadeFor(document: DiskDocument, found: FoundThing): boolean {
  const named = namedThing(document);
  if (found.id === named?.id) return true;
  if (!isWhatItsTagSays(found) || found.tags[diskTag.document] !== document.id) return false;
  if (named !== undefined && found.createdMs > named.createdMs) return false;
  return operationsOf(document, found.tags[diskTag.kind]).includes(found.tags[operationTag] ?? '');
}

function operationsOf({ kind, id, attempt, operationId }: DiskDocument, made: string | undefined): string[] {
  const triesOf = (name: string): string[] =>
    Array.from({ length: attempt }, (_, index) => operationIdOf(name, index + 1));
  if (kind === 'snapshot') return made === 'snapshot' ? triesOf(id) : [];
  if (made === 'copy') return triesOf(copyOperationsOf(id));
  return made === 'disk' ? [operationId] : [];
}

/** Of which the operations are that copy a snapshot for a disk. */
export function copyOperationsOf(documentId: string): string {
  return `${documentId}-c`;
}
