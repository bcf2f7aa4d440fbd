import { defineCommandGroup } from '../command.ts';
import { command as remove } from './disk/delete.ts';
import { command as list } from './disk/list.ts';
import { command as policy } from './disk/policy.ts';
import { command as preflight } from './disk/preflight.ts';
import { command as restore } from './disk/restore.ts';
import { command as snapshot } from './disk/snapshot.ts';
import { command as sweep } from './disk/sweep.ts';

export const command = defineCommandGroup(
  {
    name: 'disk',
    summary: 'move volumes by the cloud’s own snapshots of their disks',
    description: [
      'EBS, Google persistent disks and Azure managed disks, within one cloud.',
      'What is made is named in the repository before it is made, so that nothing is lost or left over.',
    ],
    examples: [
      {
        command: 'tranship disk preflight shop/data --source from.yaml --target to.yaml --class fast',
        does: 'says what speaks against it',
      },
      { command: 'tranship disk snapshot vol-0123456789abcdef0 --plan shop', does: 'takes a snapshot' },
    ],
  },
  [preflight, snapshot, restore, list, remove, sweep, policy],
);
