import { UsageError } from '../../../base/errors.ts';
import { diskPermissions } from '../../../providers/disks/open.ts';
import { diskPolicy, diskRoles } from '../../../snapshot/disk-policy.ts';
import { defineCommand } from '../../command.ts';
import { commonOptions } from '../../common-options.ts';
import { diskProviders } from '../../disk-settings.ts';
import { exitCode } from '../../exit-code.ts';
import { wordOperand } from '../../word-operand.ts';

export const command = defineCommand({
  name: 'disk policy',
  summary: 'print the least that a role must be allowed on disks',
  operands: [
    { name: 'PROVIDER', help: `one of: ${diskProviders.join(', ')}`, choices: diskProviders },
    {
      name: 'ROLE',
      help: 'snapshot: take and share them; restore: make disks of them; sweep: remove what is left over',
      choices: diskRoles,
    },
  ],
  options: { ...commonOptions },
  examples: [
    { command: 'tranship disk policy aws snapshot', does: 'prints the policy of an IAM user or role' },
    { command: 'tranship disk policy gcp sweep', does: 'prints a custom role' },
  ],
  run: async (args, { output }) => {
    const [providerName, roleName, ...more] = args.operands;
    if (more.length > 0) throw new UsageError('too many arguments', { where: more.join(' ') });
    const provider = wordOperand('provider', providerName, diskProviders);
    const role = wordOperand('role', roleName, diskRoles);
    const policy = diskPolicy(provider, role, await diskPermissions(provider));
    if (output.json) output.message({ message_type: 'policy', provider, role, policy });
    else output.piece(policy);
    return exitCode.done;
  },
});
