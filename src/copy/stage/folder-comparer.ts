import { FileSystemError, RepositoryError } from '../../base/errors.ts';
import { statAtIfPresent } from '../../base/file-system.ts';
import type { Latin1Name } from '../../base/file-system.ts';
import type { BlobIndex } from '../../repository/blob-index.ts';
import type { BlobOpener } from '../../repository/blob-opener.ts';
import type {
  ComparedFolder,
  FoldersToCompare,
  FolderToCompare,
  KeptNodes,
  TreeSlice,
} from '../pipeline/folder-comparison.ts';
import { nameText, statusHead } from '../source/source-node.ts';
import { isKept } from './kept-file.ts';
import { PreviousTree } from './previous-tree.ts';
import { ReliedBlobs } from './relied-blobs.ts';

const noFile = -1;

/**
 * Takes over the files that stand in the parent's tree just as they are. All else, folders and what cannot be looked at
 * included, is left to the walk, which looks again and says what there is to be said.
 */
export class FolderComparer {
  readonly #blobs: BlobIndex;
  readonly #opener: BlobOpener;

  constructor(blobs: BlobIndex, opener: BlobOpener) {
    this.#blobs = blobs;
    this.#opener = opener;
  }

  /** Undefined in place of a folder whose tree is damaged, or cannot be compared as text. */
  compare({ folders, relied }: FoldersToCompare): (ComparedFolder | undefined)[] {
    const blobs = new ReliedBlobs(this.#blobs, relied);
    return folders.map((folder) => this.#compareFolder(folder, blobs));
  }

  #compareFolder({ fd, names, tree }: FolderToCompare, relied: ReliedBlobs): ComparedFolder | undefined {
    if (!('sealed' in tree)) return compareSlice({ fd, names, tree }, relied);
    return unlessDamaged(() => {
      const plaintext = this.#opener.open(tree.sealed, tree, tree.packId);
      return keepFiles(fd, names, PreviousTree.read(tree.id, plaintext), relied);
    });
  }
}

/** The same of some of a large folder, whose tree was opened. */
export function compareSlice(
  { fd, names, tree }: FolderToCompare & { readonly tree: TreeSlice },
  relied: ReliedBlobs,
): ComparedFolder | undefined {
  const text = Buffer.from(tree.text, tree.start, tree.end - tree.start).toString();
  return unlessDamaged(() => keepFiles(fd, names, PreviousTree.ofNodes(tree.id, text), relied));
}

function unlessDamaged<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error;
    return undefined;
  }
}

/** Undefined where the tree cannot be compared as text. */
function keepFiles(
  fd: number,
  joinedNames: string,
  previous: PreviousTree | undefined,
  relied: ReliedBlobs,
): ComparedFolder | undefined {
  if (previous?.isText !== true) return undefined;
  const names = joinedNames === '' ? [] : joinedNames.split('/');
  const sizes = new Float64Array(names.length).fill(noFile);
  const nodes = new KeptText(previous);
  for (const [place, name] of names.entries()) {
    const size = keptSize(fd, name, previous, relied);
    if (size === noFile) continue;
    sizes[place] = size;
    nodes.keep(place);
  }
  return { sizes, ...nodes.split(names.length) };
}

/** The size of a file that is as the parent has it, whose node has then been found. */
function keptSize(fd: number, name: Latin1Name, previous: PreviousTree, relied: ReliedBlobs): number {
  const text = nameText(name);
  // What the parent has not, or not as a file, is not even looked at: it may be excluded, and looking may take long.
  if (!previous.find(name, text) || !previous.isFile(text)) return noFile;
  try {
    const status = statAtIfPresent(fd, name);
    if (status === undefined) return noFile;
    const head = statusHead(name, status);
    return previous.startsWith(head) && isKept({ fd, base: name }, head, previous, relied)
      ? status.sizeBytes
      : noFile;
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    return noFile;
  }
}

/** Parts a tree's text into the nodes that are kept and the others. */
class KeptText {
  readonly #tree: PreviousTree;
  readonly #kept: KeptNodes[] = [];
  readonly #others: string[] = [];
  /** Nodes from here on have been put to neither. */
  #done: number;
  #runStart: number;
  #runPlace = 0;
  #count = 0;
  #nextPlace = 0;

  constructor(tree: PreviousTree) {
    this.#tree = tree;
    this.#done = tree.position;
    this.#runStart = tree.position;
  }

  /** Keeps the node that was found, which has this place among the names. */
  keep(place: number): void {
    const tree = this.#tree;
    if (tree.position !== this.#done || place !== this.#nextPlace) {
      this.#endRun(tree.position);
      this.#runPlace = place;
    }
    tree.keep();
    this.#done = tree.position;
    this.#nextPlace = place + 1;
    this.#count++;
  }

  split(names: number): Pick<ComparedFolder, 'kept' | 'rest'> {
    this.#endRun(this.#tree.end + 1);
    const rest = this.#others.join(',');
    return { kept: this.#count === names && rest === '' ? [] : this.#kept, rest };
  }

  /** Ends the nodes that were kept one behind the other; the others from there to `next` are not. */
  #endRun(next: number): void {
    const tree = this.#tree;
    if (this.#done > this.#runStart) {
      this.#kept.push({ place: this.#runPlace, text: tree.textBetween(this.#runStart, this.#done - 1) });
    }
    if (next > this.#done) this.#others.push(tree.textBetween(this.#done, next - 1));
    this.#runStart = next;
    this.#done = next;
  }
}
