import { UsageError } from '../../../base/errors.ts';
import { policyProviders, storePolicy } from '../../../repository/store-policy.ts';
import { storeRoles } from '../../../repository/store-rights.ts';
import { defineCommand } from '../../command.ts';
import { commonOptions } from '../../common-options.ts';
import { exitCode } from '../../exit-code.ts';
import { wordOperand } from '../../word-operand.ts';

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
    const provider = wordOperand('provider', providerName, policyProviders);
    const role = wordOperand('role', roleName, storeRoles);
    const prefix = args.value('prefix')?.replace(/^\/+|\/+$/g, '');
    const policy = storePolicy(provider, role, { bucket: args.value('bucket'), prefix });
    if (output.json) output.message({ message_type: 'policy', provider, role, policy });
    else output.piece(policy);
    return exitCode.done;
  },
});
