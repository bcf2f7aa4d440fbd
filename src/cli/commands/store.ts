import { defineCommandGroup } from '../command.ts';
import { command as check } from './store/check.ts';
import { command as policy } from './store/policy.ts';
import { command as repos } from './store/repos.ts';

export const command = defineCommandGroup(
  {
    name: 'store',
    summary: 'check a bucket and its permissions, find the repositories in it, print policies',
    description: ['None of these needs the password of a repository.'],
    examples: [
      { command: 'tranship store check s3://replica/volumes', does: 'says what works and what is missing' },
      { command: 'tranship store repos s3://replica', does: 'lists what repositories the bucket holds' },
    ],
  },
  [check, repos, policy],
);
