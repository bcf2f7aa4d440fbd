import { UsageError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { StoredObjectKind } from '../../repository/stored-object.ts';
import { defineCommand } from '../command.ts';
import { readOptions, repositoryOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { readRepository } from '../open-repository.ts';
import type { Output } from '../output.ts';

const kinds = [
  'config',
  'masterkey',
  'key',
  'snapshot',
  'index',
  'lock',
  'pack',
  'blob',
  'tree',
] as const satisfies readonly StoredObjectKind[];

export const command = defineCommand({
  name: 'cat',
  summary: 'print an object of the repository as it is stored',
  operands: [
    { name: 'KIND', help: `one of: ${kinds.join(', ')}`, choices: kinds },
    {
      name: '[ID]',
      help: 'the id, or its beginning; of a tree SNAPSHOT[:/PATH]; config and masterkey need none',
    },
  ],
  description: [
    'Documents are printed as indented JSON; an index, a tree and a blob byte for byte, a pack as it is, sealed.',
    'The masterkey opens everything: whoever has it needs no password.',
  ],
  options: { ...readOptions, ...repositoryOptions },
  examples: [
    { command: 'tranship cat -r /srv/replica config', does: 'shows the version and the chunker' },
    {
      command: 'tranship cat -r /srv/replica snapshot latest',
      does: 'shows all that a snapshot says of itself',
    },
    { command: 'tranship cat -r /srv/replica tree latest:/data', does: 'lists a folder with all it stores' },
  ],
  run: async (args, context) => {
    const { kind, id } = catOperands(args.operands);
    return readRepository(args, context, async (repository, signal) => {
      await cat(repository, kind, id, context.output, signal);
      return exitCode.done;
    });
  },
});

function catOperands([kind, id, ...more]: readonly string[]): { kind: StoredObjectKind; id: string } {
  const advice = `one of: ${kinds.join(', ')}`;
  if (kind === undefined) throw new UsageError('no kind of object was given', { advice });
  const known = kinds.find((candidate) => candidate === kind);
  if (known === undefined) throw new UsageError('unknown kind of object', { where: kind, advice });
  const takesId = known !== 'config' && known !== 'masterkey';
  const extra = takesId || id === undefined ? more : [id, ...more];
  if (extra.length > 0) throw new UsageError('too many arguments', { where: extra.join(' ') });
  if (takesId && id === undefined) throw new UsageError('no id was given', { where: known });
  return { kind: known, id: id ?? '' };
}

async function cat(
  repository: Repository,
  kind: StoredObjectKind,
  id: string,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { readStoredObject } = await import('../../repository/stored-object.ts');
  await output.writeAll(
    readStoredObject(repository, kind, id, { onWarning: (text) => output.warn(text), signal }),
    signal,
  );
}
