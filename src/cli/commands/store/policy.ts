import { UsageError } from '../../../base/errors.ts';
import { policyProviders, storePolicy } from '../../../repository/store-policy.ts';
import { storeRoles } from '../../../repository/store-rights.ts';
import { defineCommand } from '../../command.ts';
import { commonOptions } from '../../common-options.ts';
import { exitCode } from '../../exit-code.ts';

export const command = defineCommand({
  name: 'store policy',
  summary: 'print the least that a role must be allowed',
  operands: [
    { name: 'PROVIDER', help: `one of: ${policyProviders.join(', ')}`, choices: policyProviders },
    {
      name: 'ROLE',
      help: 'stage: add snapshots; restore: read them; prune: look after the repository, and make it',
      choices: storeRoles,
    },
  ],
  options: {
    bucket: {
      kind: 'value',
      placeholder: 'NAME',
      default: 'BUCKET',
      help: 'the bucket, on Azure the container',
    },
    prefix: { kind: 'value', placeholder: 'PREFIX', help: 'what stands before the repository’s objects' },
    ...commonOptions,
  },
  examples: [
    {
      command: 'tranship store policy aws stage --bucket replica --prefix volumes',
      does: 'prints the policy of an IAM user or role',
    },
    { command: 'tranship store policy gcp restore --bucket replica', does: 'prints custom roles' },
  ],
  run: async (args, { output }) => {
    const [providerName, roleName, ...more] = args.operands;
    if (more.length > 0) throw new UsageError('too many arguments', { where: more.join(' ') });
    const provider = wordOf('provider', providerName, policyProviders);
    const role = wordOf('role', roleName, storeRoles);
    const prefix = args.value('prefix')?.replace(/^\/+|\/+$/g, '');
    const policy = storePolicy(provider, role, { bucket: args.value('bucket'), prefix });
    if (output.json) output.message({ message_type: 'policy', provider, role, policy });
    else output.piece(policy);
    return exitCode.done;
  },
});

function wordOf<Word extends string>(what: string, given: string | undefined, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === given);
  if (word !== undefined) return word;
  const advice = `one of: ${words.join(', ')}`;
  if (given === undefined) throw new UsageError(`no ${what} was given`, { advice });
  throw new UsageError(`unknown ${what}`, { where: given, advice });
}
