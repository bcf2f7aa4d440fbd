import { defineCommandGroup } from '../command.ts';
import { command as add } from './key/add.ts';
import { command as list } from './key/list.ts';
import { command as passwd } from './key/passwd.ts';
import { command as remove } from './key/remove.ts';

export const command = defineCommandGroup(
  {
    name: 'key',
    summary: 'list, add and remove keys, and change the password',
    description: [
      'A repository has one master key, and a key file for each password: each of them opens the whole repository.',
      'Whoever knew a password that was removed may have kept the master key.',
    ],
    examples: [
      { command: 'tranship key list -r /srv/replica', does: 'shows who made which key, and when' },
      { command: 'tranship key passwd -r /srv/replica', does: 'asks for the old password and for a new one' },
    ],
  },
  [list, add, remove, passwd],
);
