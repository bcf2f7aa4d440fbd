import { isUtf8 } from 'node:buffer';
import { throwIfAborted } from '../../base/errors.ts';
import { TimeSlice } from '../../base/time-slice.ts';
import { printableName } from '../../base/byte-name.ts';
import { jsonString } from '../../repository/format/go-json.ts';
import { loadIndex } from '../../repository/loaded-index.ts';
import { nodeAt, parseSnapshotPath } from '../../repository/snapshot-path.ts';
import { findSnapshot } from '../../repository/snapshots.ts';
import type { StoredSnapshot } from '../../repository/snapshots.ts';
import { listTree } from '../../repository/tree-listing.ts';
import type { ListedNode } from '../../repository/tree-listing.ts';
import { TreeLoader } from '../../repository/tree-loader.ts';
import { defineCommand } from '../command.ts';
import { filterOptions, readOptions, repositoryOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { fileModeText } from '../file-mode-text.ts';
import { formatLocalTime } from '../local-time.ts';
import { longLine } from '../node-line.ts';
import { readRepository } from '../open-repository.ts';
import type { Output } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { snapshotFilter, snapshotOperand } from '../snapshot-filter.ts';
import { snapshotJson } from './snapshots.ts';

/** Lines between two looks at whether the reader keeps up. */
const batchLines = 256;

export const command = defineCommand({
  name: 'ls',
  summary: 'list the files of a snapshot',
  operands: [
    {
      name: 'SNAPSHOT[:/PATH]',
      help: 'an id, the beginning of one, or latest; with a path, what that folder holds',
    },
  ],
  description: [
    'Without a path everything is listed; with one only that folder, unless --recursive is given.',
  ],
  options: {
    long: { kind: 'flag', short: 'l', help: 'also mode, owner, size and time' },
    recursive: { kind: 'flag', help: 'also what is below the folders of the path' },
    ...filterOptions,
    ...readOptions,
    ...repositoryOptions,
  },
  examples: [
    { command: 'tranship ls -r /srv/replica latest', does: 'lists everything' },
    { command: 'tranship ls -r /srv/replica latest:/data -l', does: 'lists one folder, with details' },
  ],
  run: async (args, context) => {
    const wanted = parseSnapshotPath(snapshotOperand(args.operands));
    return readRepository(args, context, async (repository, signal) => {
      const snapshot = await findSnapshot(repository, wanted.snapshot, snapshotFilter(args), signal);
      const trees = new TreeLoader(repository, await loadIndex(repository, signal), signal);
      const node = await nodeAt(trees, snapshot, wanted.names);
      printHeading(snapshot, context.output);
      const path = Buffer.from(wanted.names.map((name) => `/${name}`).join(''));
      const subtree = node === undefined ? snapshot.tree : node.subtree;
      const recursive = node === undefined || args.flag('recursive');
      const form = context.output.json ? nodeJson : args.flag('long') ? longListing : shortLine;
      if (node !== undefined && subtree === undefined) context.output.raw(form({ path, node }));
      if (subtree === undefined) return exitCode.done;
      let lines = 0;
      const slice = new TimeSlice(() => repository.clock.monotonicMs(), signal);
      for await (const listed of listTree(trees, subtree, path, recursive, slice)) {
        context.output.raw(form(listed));
        if (++lines % batchLines === 0) await context.output.drained(signal);
        throwIfAborted(signal);
      }
      return exitCode.done;
    });
  },
});

function printHeading(snapshot: StoredSnapshot, output: Output): void {
  if (output.json) output.raw(snapshotJson(snapshot, ',"message_type":"snapshot","struct_type":"snapshot"'));
  const paths = snapshot.paths.map(safeText).join(', ');
  const time = formatLocalTime(Number(snapshot.timeNs / 1_000_000n));
  output.info(`snapshot ${snapshot.id.slice(0, 8)} of [${paths}] at ${time}:`);
}

function longListing({ path, node }: ListedNode): string {
  return longLine(path, node);
}

function shortLine({ path }: ListedNode): string {
  return printableName(path);
}

/** restic's members in its order; inodes have 64 bits, which a JavaScript number has not. */
function nodeJson({ path, node }: ListedNode): string {
  const name = Buffer.from(node.name.buffer, node.name.byteOffset, node.name.byteLength);
  const members = [
    `"name":${jsonString(name.toString('utf8'))}`,
    `"type":${jsonString(node.type)}`,
    `"path":${jsonString(path.toString('utf8'))}`,
    `"uid":${node.uid}`,
    `"gid":${node.gid}`,
    ...(node.size === undefined ? [] : [`"size":${node.size}`]),
    `"mode":${node.mode}`,
    `"permissions":${jsonString(fileModeText(node.mode))}`,
    `"mtime":${jsonString(node.mtime)}`,
    `"atime":${jsonString(node.atime)}`,
    `"ctime":${jsonString(node.ctime)}`,
    ...(node.inode === undefined || node.inode === 0n ? [] : [`"inode":${node.inode}`]),
    ...(isUtf8(path) ? [] : [`"path_base64":${jsonString(path.toString('base64'))}`]),
    '"message_type":"node","struct_type":"node"',
  ];
  return `{${members.join(',')}}`;
}
